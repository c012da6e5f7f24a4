// Package cuda runs programs of target cuda on an NVIDIA GPU, through the CUDA driver alone (package driver).
//
// New checks that everything fits the device's memory and loads the weights. A step is a row of kernel launches on one stream, each
// of which may start while the one before it ends (programmatic dependent launch); the decode step of a cache is captured once as a
// CUDA graph, which is then one launch. What changes from step to step lies in device memory: the values of the program's symbols
// and the tokens. Greedy decoding chooses tokens on the device as well, and the host queues steps ahead of what it has seen.
//
// A kernel is a function of the module named as in the program. Its first argument is the step memory, 32-bit words:
//
//	0 ...      values of the program's symbols, in order
//	1024 ...   counts of arrive, which are zero between launches
//	2048 ...   what the kernel that chooses tokens needs: see pick.go
//
// The others are the launch's buffers.
package cuda
