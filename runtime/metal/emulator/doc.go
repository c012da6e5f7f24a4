// Package emulator compiles Metal Shading Language kernels, checks them and runs them on the CPU, where there is no Mac.
//
//	c, err := emulator.Find()
//	m, err := c.Compile(ctx, source, emulator.Options{Name: "model.metal", Checked: true})
//	err = m.Run("mlpGateUp_1", emulator.Dispatch{Groups: 64, Threads: 256, Buffers: []emulator.Buffer{{Mem: step}, {Mem: x}, {Mem: y}}})
//
// It needs clang 19 (Debian's clang-19 and libclang-rt-19-dev) on linux/amd64, no cgo, and nothing else: what stands in for
// metal_stdlib (shim) and the C++ that runs kernels (runner) are in the package. Elsewhere it builds, and Find says why it cannot run.
//
// The way of a source through the package:
//
//	signature  kernels and their parameters are read from the text, and what Metal lacks is refused
//	clang      compiles it as C++ for OpenCL, which has Metal's address spaces, to LLVM IR (clang.go, strict.go)
//	ir         address spaces become plain pointers, group memory a place of the thread that runs a group (ir.go, irtype.go)
//	check      if asked for, a call of the runner comes before every access to memory that is not a thread's own (instrument.go)
//	build      the IR is optimised in parts, linked, kept in the user's cache under a hash of all that shapes it, and loaded
//	run        threads of a group are fibers that switch at barriers and simdgroup operations (runner)
//
// # What a checked module finds
//
// Each buffer and each group variable has addresses of its own, of which the upper 16 bits say which one it is, so that a pointer
// that leaves its buffer is found even where the next buffer begins. Real addresses have shadow memory, a page at a time as they are
// touched and only where the dispatch may write: who wrote last, who read, and how many barriers they had passed. A Fault says:
//
//   - a race: two threads touch the same memory, one writes, and no barrier is between them; threads of two groups always race
//   - an access out of bounds, or not aligned
//   - a read of group memory that no thread of the group has written
//   - a barrier or simdgroup operation that not all threads reach, or not the same one; this is found without Checked, too
//   - an integer division by zero
//
// A run sees one order of the threads: run a kernel in several.
//
// # What it does not find
//
// Apple's compiler is not here: what passes is likely to compile there, no more. Functions of metal_stdlib that the shim lacks are
// errors; there are no textures, function constants, threadgroup parameters, quad groups or grids of more than one dimension. Arrays
// of a thread's own have no bounds. Atomics have bounds, and are not part of races. A thread that waits in a loop for another, and a
// loop without end, hang. Two calls of one helper are one barrier, as barriers are told apart by line. Math functions are the C
// library's, rounded once; nothing is fast math. Speed says nothing about a GPU's.
//
// A kernel that is not checked runs as native code with the process's rights: what it does wrong may end the process.
package emulator
