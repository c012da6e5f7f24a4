package goasm

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// level is the tiles for CPUs with one set of features.
type level struct {
	name   string // as in cpu.Levels
	suffix string // of its functions
	lanes  int    // f32 elements of a vector register
	types  []weightType
	panels *panelLevel
}

// weightType is how elements of a dtype become f32.
type weightType struct {
	dtype string // in upper case, as in the constants of package kernel
	bytes int    // of an element
	// load fills v with the lanes elements at m.
	load func(c *build.Context, m operand.Mem, v reg.VecVirtual)
	// insert puts the element at m in lane i of v's low half, whose lanes are zero or inserted before. When not nil, widen
	// makes the inserted elements f32.
	insert func(c *build.Context, m operand.Mem, i int, v reg.VecVirtual)
	widen  func(c *build.Context, v reg.VecVirtual)
}

// levels is the table.
var levels = []level{
	{name: "avx512vnni", suffix: "VNNI", lanes: 16, panels: vnni},
	{name: "avx2", suffix: "AVX2", lanes: 8, types: avx2Types, panels: avx2},
}

var avx2Types = []weightType{
	{
		dtype:  "F32",
		bytes:  4,
		load:   func(c *build.Context, m operand.Mem, v reg.VecVirtual) { c.VMOVUPS(m, v.AsY()) },
		insert: insertF32,
	},
	{
		dtype:  "F16",
		bytes:  2,
		load:   func(c *build.Context, m operand.Mem, v reg.VecVirtual) { c.VCVTPH2PS(m, v.AsY()) },
		insert: insert16,
		widen:  func(c *build.Context, v reg.VecVirtual) { c.VCVTPH2PS(v.AsX(), v.AsX()) },
	},
	{
		dtype: "BF16",
		bytes: 2,
		load: func(c *build.Context, m operand.Mem, v reg.VecVirtual) {
			c.VPMOVZXWD(m, v.AsY())
			c.VPSLLD(operand.U8(16), v.AsY(), v.AsY())
		},
		// The high half of an f32.
		insert: func(c *build.Context, m operand.Mem, i int, v reg.VecVirtual) { insert16(c, m, 2*i+1, v) },
	},
}

func insertF32(c *build.Context, m operand.Mem, i int, v reg.VecVirtual) {
	c.VPINSRD(operand.U8(i), m, v.AsX(), v.AsX())
}

// insert16 puts 16 bits in word i of v.
func insert16(c *build.Context, m operand.Mem, i int, v reg.VecVirtual) {
	c.VPINSRW(operand.U8(i), m, v.AsX(), v.AsX())
}
