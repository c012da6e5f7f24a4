// Package kernel is the kernel IR: what a fused graph node becomes before a target spells it in its own language.
//
// A kernel is a grid of independent groups. A group owns memory of its own (group memory: a worker's scratch on a CPU,
// threadgroup memory on a GPU) and a number of lanes (one on a CPU, a block of threads on a GPU) in teams (warps, simdgroups), which
// wait for each other more cheaply. The body is a list of statements that the lanes of a group execute together:
//
//	x := E                      Let      a scalar, the same in every lane unless it uses a lane variable
//	b[E] = E                    Store    to global or group memory
//	for i := range lanes(E)     For      iterations are divided over the lanes, in no order
//	for i := range teams(E)     For      iterations are divided over the teams; the lanes of a team run the body together
//	for i := lo; i < hi; i += s For      every lane runs every iteration
//	x := sum(i, n, E)           Reduce   over i < n, by all lanes together; also max
//	if E { } else { }           If       a condition that is the same in every lane
//	dot(...)                    Dot      tile contraction over the rows of a matrix
//	mix(...)                    Mix      tile contraction over the columns: a weighted sum of rows
//	encode(...)                 Encode   a run of floats to blocks of a narrower type
//	for i := range joined(...)  Join     last of all: iterations are divided over groups, which see what each of them left
//
// Dot and Mix are where the time goes: a target supplies their inner loops (a register tile, a warp's shuffle, an mma).
// Statements that read group memory which other lanes wrote need a barrier between; Barriers derives them, so no skeleton
// places one by hand. Sizes, schedule constants and step symbols are integer parameters of the kernel, so that one kernel
// serves every model of the same structure, and the dtype of a weight buffer is a parameter too.
//
// The printed form is a subset of Go's syntax, and Parse reads it back with go/parser. Key names a kernel by it.
package kernel
