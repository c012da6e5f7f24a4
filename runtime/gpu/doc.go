// Package gpu runs programs on a GPU, whose driver is a device.Driver.
//
// New checks the program and that it fits the device's memory, then loads its kernels and weights. A step is a row of kernel launches
// on one stream; the decode step of a cache is recorded once as a graph, which is then one call. What changes from step to step lies in
// device memory: the values of the program's symbols and the tokens. A Picker also chooses tokens on the device, and the host queues
// steps ahead of what it has seen; for a host that draws tokens, the device finds the likeliest.
//
//	engine.go, check.go      what is refused, what is loaded
//	memory.go, upload.go     device memory and the host's that it shares, weights
//	cache.go                 KV memory of sequences
//	launch.go, graph.go      kernels with their arguments
//	step.go                  Step, RunStep
//	picker.go, greedy.go,    choosing tokens on the device
//	candidates.go
//	watch.go                 what launches left in memory, for whoever checks them
//	wait.go                  waiting, and devices that are lost
//
// A kernel is a function of the module named as in the program. Its first argument is the step memory, 32-bit words:
//
//	0 ...      values of the program's symbols, in order
//	1024 ...   counts of groups that join where there are no clusters, which are zero between launches
//	2048 ...   what the kernel that chooses a token reads and writes: greedy.go
//	4096 ...   what the kernels that find the likeliest tokens write
//
// The others are the launch's buffers.
package gpu
