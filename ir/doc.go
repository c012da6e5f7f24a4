// Package ir is the graph IR: a model as nodes in SSA form whose every shape is proved before anything runs.
//
// Start with the printed form, which Print writes and Parse reads:
//
//	graph attention {
//	  symbol S, P                                          symbols, declared
//	  bound S >= 1                                         and bounded
//	  bound P+S <= 2048
//	  step S after P                                       a run adds S tokens behind P
//	  example S=5, P=2                                     tried first as a counterexample
//	  q: f32[head=32, q=S, dim=64] = input()               name: type = op(operands) {attributes}
//	  k: f32[head=32, kv=P+S, dim=64] = input() @llama.go:7
//	  scores = matmul(q, k) {over=dim}                     the type is inferred where it is left out
//	  output scores
//	}
//
// The types, in the order in which they build on one another:
//
//	dim.Dim, dim.Bounds   affine extents, and proofs about them for every allowed value (package dim)
//	Type, Axis            dtype and named axes; positions and states are types of their own
//	Op, Table             what an op is; package op holds the rows, this package never names one
//	Node, Graph, Scope    nodes, and how Go code declares them: each remembers the line that did
//	Check                 what an op's Infer demands of its operands; Infer runs it over a graph
//	Verify                the rules of whole graphs: each state is appended to exactly once, ...
//	Diag, Errors          everything that is wrong, with places, aligned shapes and a counterexample
//
// Operands align by axis name, never by place: the axes of one must be among the other's, shared axes must be equal for every
// value of the symbols, and 1 does not stretch.
package ir
