// Package gocpu turns kernel IR into Go that a person can read and the CPU engine can run.
//
//	Kernels   one Go function a kernel, and the map from kernel.Key to them
//	Tiles     the inner loops of Dot and Mix for every weight dtype, from the dtype table's Unpack expressions
//
// The emitted files import the standard library, runtime/cpu and, for the names of dtypes, ir/kernel. A kernel's function runs
// one group of its grid on one worker, so its lanes loops are plain loops and it has no barriers:
//
//	live.go    drops names that nothing reads, which Go refuses
//	names.go   chooses Go identifiers
//	bind.go    binds buffers, parameters, group memory and grid variables: only those the body uses
//	stmt.go    statements
//	hoist.go   moves index arithmetic out of innermost loops, because Go's compiler does not
//	expr.go    expressions, with no parentheses that Go's precedence makes idle
//	tile.go    the loops of one weight dtype; unpack.go its elements; blocks.go what all dtypes share
//
// A Reduce accumulates in float64, as the interpreter does; Dot and Mix accumulate in float32 with several accumulators.
package gocpu
