package clike

import (
	"math/bits"

	"github.com/llorch/llorch/ir/kernel"
)

// Range is what an integer may be.
type Range struct{ Lo, Hi int64 }

// far is beyond every integer that is known anything of.
const far = int64(1) << 60

var anything = Range{-far, far}

// Fixed reports a single value.
func (r Range) Fixed() bool { return r.Lo == r.Hi }

// Is reports that the value is n.
func (r Range) Is(n int64) bool { return r.Lo == n && r.Hi == n }

// known reports bounds that follow from the kernel.
func (r Range) known() bool { return r.Lo > -far && r.Hi < far }

func exactly(n int64) Range { return Range{n, n} }

// add and mul saturate.
func add(a, b int64) int64 { return clamp(a + b) }

func mul(a, b int64) int64 {
	hi, lo := bits.Mul64(abs(a), abs(b))
	neg := (a < 0) != (b < 0)
	if hi != 0 || lo > uint64(far) {
		lo = uint64(far)
	}
	if neg {
		return -int64(lo)
	}
	return int64(lo)
}

func abs(a int64) uint64 {
	if a < 0 {
		return uint64(-a)
	}
	return uint64(a)
}

func clamp(a int64) int64 { return max(-far, min(far, a)) }

// rangeRules gives the range of an integer function from those of its arguments; nil tells nothing.
var rangeRules = map[string]func(a, b Range) Range{
	"add": func(a, b Range) Range { return Range{add(a.Lo, b.Lo), add(a.Hi, b.Hi)} },
	"sub": func(a, b Range) Range { return Range{add(a.Lo, -b.Hi), add(a.Hi, -b.Lo)} },
	"mul": func(a, b Range) Range {
		p := [4]int64{mul(a.Lo, b.Lo), mul(a.Lo, b.Hi), mul(a.Hi, b.Lo), mul(a.Hi, b.Hi)}
		return Range{min(p[0], p[1], p[2], p[3]), max(p[0], p[1], p[2], p[3])}
	},
	"div": func(a, b Range) Range { return Range{max(a.Lo, 0) / max(b.Hi, 1), max(a.Hi, 0) / max(b.Lo, 1)} },
	"rem": func(a, b Range) Range {
		if a.Lo >= 0 && a.Hi < b.Lo {
			return a
		}
		return Range{0, min(max(a.Hi, 0), max(b.Hi-1, 0))}
	},
	"min":  func(a, b Range) Range { return Range{min(a.Lo, b.Lo), min(a.Hi, b.Hi)} },
	"max":  func(a, b Range) Range { return Range{max(a.Lo, b.Lo), max(a.Hi, b.Hi)} },
	"band": func(a, b Range) Range { return Range{0, min(mask(a), mask(b))} },
	"bor":  func(a, b Range) Range { return Range{0, max(mask(a), mask(b))} },
	"shl": func(a, b Range) Range {
		if b.Lo < 0 || b.Hi > 31 || a.Lo < 0 {
			return anything
		}
		return Range{mul(a.Lo, 1<<b.Lo), mul(a.Hi, 1<<b.Hi)}
	},
	"shr": func(a, b Range) Range {
		if b.Lo < 0 || b.Hi > 31 || a.Lo < 0 {
			return anything
		}
		return Range{a.Lo >> b.Hi, a.Hi >> b.Lo}
	},
	"signed16": func(a, _ Range) Range { return Range{-1 << 15, 1<<15 - 1} },
}

// mask is all bits that a value that is not negative may have.
func mask(a Range) int64 {
	if a.Lo < 0 || a.Hi >= far {
		return far
	}
	return 1<<bits.Len64(uint64(a.Hi)) - 1
}

// rangeOf is what an integer expression may be.
func (n *narrower) rangeOf(e kernel.Expr) Range {
	switch e := e.(type) {
	case *kernel.IntLit:
		return exactly(e.V)
	case *kernel.Var:
		if r, ok := n.ranges[e.Name]; ok {
			return r
		}
	case *kernel.Call:
		rule := rangeRules[e.Fn.Name]
		if rule == nil || e.Fn.Result != kernel.Int {
			return anything
		}
		var b Range
		if len(e.Args) > 1 {
			b = n.rangeOf(e.Args[1])
		}
		return rule(n.rangeOf(e.Args[0]), b)
	}
	return anything
}
