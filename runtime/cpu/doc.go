// Package cpu executes llorch programs on the CPU.
//
//	args.go, library.go   what compiled kernels look like: codegen/gocpu emits code against them
//	half.go, math.go      the number formats and functions that emitted code calls
//	engine.go, step.go    Engine: runs a program's steps; the path of each token, which allocates nothing
//	bind.go, check.go     New: resolves a program's references to memory and code, and refuses what does not fit
//	watch.go              what launches left in memory, for whoever checks them
//	pool.go               workers that share out a launch's groups
//	cache.go              the KV memory of a sequence
//	interp.go             kernels that the library lacks run in the kernel IR's interpreter
//	level.go              tiles by CPU features
//	micro.go              tiles in assembly: the range checks and loops around microkernels
//	micropanel.go         the same for panels
//	block.go, panel.go    portable tiles of block types: as files have them, and panels
//	act.go                blocks of activations as tiles read and write them
//
// A program may come from a file that was edited, so New trusts none of its numbers; kernels index their buffers with Go's
// bounds checks, and a panic in one is an error of the launch.
package cpu
