// Package dim is the arithmetic of symbolic dimensions: what a shape may say
// about a size, and when two sizes are the same.
//
// A [Dim] is an affine expression with integer coefficients over named symbols,
// kept in one canonical form:
//
//	512        a constant
//	P+S        past tokens and new tokens
//	2*S-1      symbols first, in order of name, then the constant
//
// A [Bounds] is what a graph promises about its symbols, a conjunction of
// constraints:
//
//	S >= 1
//	P >= 0
//	P+S <= 512
//
// [Bounds.Equal] and [Bounds.GreaterEqual] decide a claim for every assignment
// that the bounds allow. The verdict is Proved, Refuted with an assignment that
// shows it, or Unknown, which callers treat as a refusal. The steps:
//
//	proof.go    take the canonical difference of the two sides and deny the claim
//	witness.go  substitute the fixed symbols; try the graph's example first
//	system.go   refute the denial: Fourier-Motzkin elimination with integer
//	            tightening
//	search.go   what is not refuted so is searched for its smallest integer
//	            point, the counterexample; a search that runs dry is a proof too
//	extent.go   the greatest and least value of a dimension, which size buffers
//
// Every step is bounded, in rows and in visited points, and checks int64
// overflow; what exceeds a limit is Unknown, never wrong.
package dim
