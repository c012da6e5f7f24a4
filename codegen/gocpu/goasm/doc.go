// Package goasm emits the tiles of CPU levels as Go assembly, with avo.
//
//	level.go        the table: for each level, how the elements of each weight type become f32 in a vector register
//	dot.go          skeleton of the Dot microkernels: a block of rows x columns whose sums stay in registers
//	mix.go          skeleton of the Mix microkernels: a block of columns x elements that stay in registers
//	panel.go        skeleton of the microkernels of panels and blocks of activations, which quant.Panel describes: the sums of 16 rows x
//	                columns stay in registers
//	panel_level.go  for each level, how codes are taken apart and multiplied in integers
//	encode.go       activations to blocks
//	assembler.go    what the skeletons share: loops, addresses of rows
//	data.go         constants in memory
//	files.go        the assembly, its Go declarations and the table of tiles, for the systems that have it and those that lack it
//
// A microkernel checks nothing: cpu.Micro, cpu.MicroPanel or cpu.MicroEncode, which calls it, does.
package goasm
