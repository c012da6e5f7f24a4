// Package cuda runs programs of target cuda on an NVIDIA GPU, through the CUDA driver alone (package driver): it knows which binary
// suits a device, and package gpu does the rest.
//
// A step is a row of kernel launches on one stream, each of which may start while the one before it ends (programmatic dependent
// launch); the decode step of a cache is captured once as a CUDA graph, which is then one launch.
//
// With LLORCH_CUDA_BLOCKING set, launches follow one another without overlap, in no graph, and each is waited for: an error of the
// device then names the kernel that caused it.
package cuda
