package dim_test

import (
	"fmt"

	"github.com/llorch/llorch/ir/dim"
)

// Sizes are compared for every value that the bounds allow.
func ExampleBounds_Equal() {
	s, p := dim.Sym("S"), dim.Sym("P")
	var b dim.Bounds
	b.AtLeast(s, dim.Const(1))
	b.AtLeast(p, dim.Const(0))
	b.AtMost(p.Add(s), dim.Const(512))

	fmt.Println(b.Equal(p.Add(s).Sub(p), s).Verdict)
	wrong := b.Equal(p.Add(s), s)
	fmt.Println(wrong.Verdict, wrong.Counter)
	b.Fix("P", 0)
	fmt.Println(b.Equal(p.Add(s), s).Verdict)
	// Output:
	// proved
	// refuted map[P:1 S:1]
	// proved
}
