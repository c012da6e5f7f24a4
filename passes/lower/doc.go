// Package lower turns the groups of a fused graph into kernel IR. Graph does it for a whole graph; each group's Role names the
// skeleton that it is written with:
//
//	RoleMap        simple.go     elements, each by itself
//	RoleRow        simple.go     row reductions and what is fused with them
//	RoleContract   contract.go   products with weights: tiles of rows and tokens (sizes.go), prologue (prologue.go) and epilogue
//	RoleAttention  attention.go  blocks of keys with an online softmax (columns.go); split.go divides the keys of one token
//
// What a skeleton computes of a value comes from the op's Point and Reduction (value.go): no op is named here. What differs between
// devices is a Schedule, which is numbers: how many rows, tokens and keys a group takes, and how weights are packed (schedule.go).
// Where a value lies in memory, and under which type, is storage.go's.
//
// A Launch is the kernel of a group and what its parameters are bound to. Groups of the same structure give kernels of the same key.
package lower
