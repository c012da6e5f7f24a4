// Package driver is the part of the CUDA driver API that llorch uses, as a device.Driver.
//
// Load finds the system's driver; it describes its devices and opens a context on one of them, the device's primary one, which holds
// memory, modules, streams, events and graphs. context.go and queue.go say what each of its methods calls, and what an error tells;
// launch.go is the layout of a launch's arguments. Under them lies the type api, a method for each call of the driver, which there are
// two of:
//
//   - by default, api_purego.go calls the library libcuda that it loads when Load is called, or the one that LLORCH_CUDA names. No cgo
//     and no toolkit are needed to build, and a program starts on machines without a GPU too.
//   - with -tags cu, api_cu.go calls gorgonia.org/cu (cgo). That package has devices, contexts, memory, modules, streams and events;
//     launches with attributes, attributes of functions, captured graphs, pinned memory and the driver's names of errors are missing
//     from v0.9.6 and called by launch_cu.go. Its programs are linked to libcuda and do not start without a driver. cu.sh builds it.
//
// Kernels run after the call that queued them, so the error of a kernel names the one queued last. A device whose context was lost
// cannot be opened again by this process.
package driver
