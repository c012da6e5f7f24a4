// Package metal is Metal as a device.Driver: on a Mac the system's, through the Objective-C runtime and without cgo, and anywhere that
// clang 19 is the emulator's.
//
//	context.go, memory.go what is queued, graphs, memory with addresses: the same for both
//	raw.go                the few calls that both are reduced to
//	metal_darwin.go,      Apple's; no Mac has run them yet
//	objc_darwin.go
//	emulated.go           the emulator's
//
// Memory is shared by host and GPU, so copies are the host's. Launches are gathered and go to the device as one command buffer, a
// dispatch after another in one serial encoder, when somebody waits or copies something that they may use: a step of an engine is one
// command buffer. The status of each is looked at, as Metal tells nobody that a kernel failed.
//
// A kernel's buffer 0 is the first argument of its launch, and so on. Its group memory is declared by the kernel.
package metal
