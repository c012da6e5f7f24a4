// Package cuda runs programs of target cuda on an NVIDIA GPU, through the CUDA driver alone (package driver).
//
// New checks the program and that it fits the device's memory, then loads its kernels and weights. A step is a row of kernel launches
// on one stream, each of which may start while the one before it ends (programmatic dependent launch); the decode step of a cache is
// captured once as a CUDA graph, which is then one launch. What changes from step to step lies in device memory: the values of the
// program's symbols and the tokens. Greedy decoding chooses tokens on the device as well, and the host queues steps ahead of what it
// has seen; for a host that draws tokens, the device finds the likeliest.
//
//	check.go, code.go        what is refused, which binary is loaded
//	memory.go, upload.go     device memory and the host's that it shares, weights
//	cache.go                 KV memory of sequences
//	launch.go, graph.go      kernels with their arguments
//	step.go                  Step, RunStep
//	greedy.go, candidates.go choosing tokens on the device
//	wait.go                  waiting, and devices that are lost
//
// A kernel is a function of the module named as in the program. Its first argument is the step memory, 32-bit words:
//
//	0 ...      values of the program's symbols, in order
//	1024 ...   counts of arrive, which are zero between launches
//	2048 ...   what the kernel that chooses a token reads and writes: greedy.go
//	4096 ...   what the kernels that find the likeliest tokens write
//
// The others are the launch's buffers.
//
// With LLORCH_CUDA_BLOCKING set, launches follow one another without overlap, in no graph, and each is waited for: an error of the
// device then names the kernel that caused it.
package cuda
