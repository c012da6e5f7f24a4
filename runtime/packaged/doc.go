// Package packaged is what the Go packages that `llorch compile --target go` writes have in common. Such a package declares a
// [Package], which holds its model's program, weights and kernels, and forwards its few functions to a [Model] of this one:
//
//	model.go     Model: loads when it is first asked for text, generates, closes
//	options.go   Option: how text is generated; the defaults are those of `llorch run`
//	turns.go     lets the sequences of several goroutines share one engine, step by step
//
// Nobody else needs it: runtime and runtime/cpu are for programs that load models themselves.
package packaged
