// Package clike spells bound kernels (kernel.Bind) in C-like languages. A Dialect supplies what differs between them: how a kernel
// and its memory are declared, a prelude of small functions, and the tiles, which are device code for Dot, Mix and attention. The way of a
// kernel through the package:
//
//	narrow   what integers can be is followed through the kernel, and expressions and branches fold by it (range.go, narrow.go)
//	plan     each Dot and Mix finds its tile, or becomes loops (plan.go); so does a whole loop of attention (online.go, attend.go)
//	own      what a tile takes from registers is not put into group memory first (own.go)
//	print    statements in C, with barriers, and the wait for earlier kernels as late as can be (print.go, wait.go, call.go); loads go
//	         ahead of what would be in their way (early.go)
//
// Integers are of 32 bits: an index that may exceed them is refused.
package clike
