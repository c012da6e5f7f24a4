// Package quant is the block formats: how runs of weights, and of activations, are kept in few bits.
//
//	format.go    Formats: the block types of GGUF files, by row
//	plane.go     Plane and Order: where the bits of codes lie, as data
//	panel.go     Panel: sixteen rows of a format side by side, as kernels want to read them
//	fragment.go  Fragments: panels in the order of a tensor core's registers
//	pack.go      from files to panels and fragments
//	unit.go      a unit of a panel taken apart
//	act.go       A8 and A16: activations of 8 and 16 bits, what integer dot products take
//	half.go      f16, in which blocks keep their factors
//
// A value of a block is scale · (code - zero) + offset, where runs of elements share scale and offset. The formats are those of
// ggml's block_q4_0 to block_q6_K.
//
// # Fragments
//
// A warp multiplies 16 rows of weights with 8 columns of activations, 16 elements at a time, by one mma.sync.m16n8k16. Its lane
// l = 4g+t, of g < 8 and t < 4, holds four 32-bit registers of weights, each of two f16 or bf16, the even one below, and two of
// activations (PTX ISA, "Matrix fragments for mma.m16n8k16"):
//
//	weights      R0  row g    columns 2t, 2t+1      activations  column g of the tile
//	             R1  row g+8  columns 2t, 2t+1                   B0  rows 2t, 2t+1
//	             R2  row g    columns 2t+8, 2t+9                 B1  rows 2t+8, 2t+9
//	             R3  row g+8  columns 2t+8, 2t+9
//
// A sum does not mind the order of its terms, so element 4t+i of the 16 may be called column 2t+i, or 2t+8+i-2 from i = 2 on, if
// weights and activations agree. Then a lane's activations are four elements in a row, 8 bytes at one load, and its weights are
// elements 4t to 4t+3 of two rows. Fragments put what a lane holds where it loads it at once, and the 32 lanes' loads side by
// side. Parts and their sizes are those of a Panel. In a unit, where s is the step of 16 elements:
//
//	low    4 bits: 8 bytes a lane, 32-bit word s; the codes of its elements begin at bits
//	           row g     4t: 0    4t+1: 16    4t+2: 4     4t+3: 20
//	           row g+8   4t: 8    4t+1: 24    4t+2: 12    4t+3: 28
//	       so that w, w>>8, w>>4 and w>>12, each & 0x000f000f, are R0 to R3 as pairs of integers
//	       8 bits: 16 bytes a lane, word 2s has row g and word 2s+1 row g+8, an element a byte
//	       16 bits (single elements): 512 bytes a step, 16 bytes a lane: R0 to R3
//	high   5 bits: 2 bytes a lane; bit 4s+2p+r of the first has element 4t+2p, of the second element 4t+2p+1, in row g+8r
//	       6 bits: 4 bytes a lane; of element 4t+2p bits 2j and 2j+1 of the first two, of 4t+2p+1 of the others, j = 4s+2p+r
//
// All factors and scales of 16 rows are in pairs, 2g for row g and 2g+1 for row g+8: a lane loads those of both its rows at once.
package quant
