// Package goasm emits the tiles of one CPU level as Go assembly, with avo.
//
//	level.go      the table: for each level, how the elements of each weight type become f32 in a vector register
//	dot.go        skeleton of the Dot microkernels: a block of rows x columns whose sums stay in registers
//	mix.go        skeleton of the Mix microkernels: a block of columns x elements that stay in registers
//	assembler.go  what the skeletons share: loops, addresses of rows
//	files.go      the assembly, its Go declarations and the table of tiles, for the systems that have it and those that lack it
//
// A microkernel checks nothing: cpu.Micro, which calls it, does.
package goasm
