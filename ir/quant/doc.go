// Package quant is the block formats: how runs of weights, and of activations, are kept in few bits.
//
//	format.go  Formats: the block types of GGUF files, by row
//	panel.go   Panel: sixteen rows of a format side by side, as CPU and GPU kernels want to read them
//	pack.go    from files to panels
//	unit.go    a unit of a panel taken apart
//	act.go     A8 and A16: activations of 8 and 16 bits, what integer dot products take
//	half.go    f16, in which blocks keep their factors
//
// A value of a block is scale · (code - zero) + offset, where runs of elements share scale and offset. The formats are those of
// ggml's block_q4_0 to block_q6_K.
package quant
