// Package verify holds a compiled model, as an engine runs it, against the reference, node by node.
//
// A Reference evaluates the model's own graph in float64 for a few steps: a prompt, tokens decoded one by one, a prompt behind those,
// and the logits of all positions, whole and in parts. Check then runs the same steps on an engine, watches each launch, and reports
//
//   - of each kernel, how far the values that it left in memory are off. They are held against the reference as it goes on from
//     what the kernels before left there, so errors do not add up: the first node over its tolerance is of the kernel that is wrong;
//   - of the passes, whether the graph that they made computes what the model's does: both in float64, without the roundings that a
//     target wanted, so that nothing else can differ;
//   - of the whole, how far values are off the model's own graph, with all that adds up on the way: this is what a user sees;
//   - of sessions, whether a warm-up, another request or chunks of any size change the logits, and whether the likeliest tokens are
//     the reference's.
//
// An error is relative to the largest magnitude among the same token's elements of the node; tolerance.go says how much is allowed.
//
//	reference.go    the steps, and what the model's graph makes of them
//	params.go       weights in float64
//	check.go        Check: a target's steps
//	capture.go      what launches left in memory
//	nodes.go        the graph after the passes, evaluated on
//	measure.go      errors
//	tolerance.go    how large they may be
//	session.go      sessions
//	everywhere.go   which node makes them fail
//	source.go       kernels in the emitted source
//	report.go       what is found, and text.go how it prints
package verify
