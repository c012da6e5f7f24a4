package ir_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
)

// The shape rules against brute force: what Infer says of all values of the symbols, each value of a small box says for itself.

type env = map[string]int64

// world is a graph's bounds within a small box, and the assignments that they allow.
type world struct {
	g       *ir.Graph
	allowed []env
}

func anyWorld(t *rapid.T) *world {
	w := &world{g: ir.New("g", op.Table)}
	s, p, b := dim.Sym("S"), dim.Sym("P"), &w.g.Bounds
	b.Declare("S")
	b.Declare("P")
	b.AtLeast(s, dim.Const(1))
	b.AtLeast(p, dim.Const(0))
	b.AtMost(s, dim.Const(rapid.Int64Range(1, 5).Draw(t, "S <=")))
	b.AtMost(p, dim.Const(rapid.Int64Range(0, 5).Draw(t, "P <=")))
	if rapid.Bool().Draw(t, "sum") {
		b.AtMost(p.Add(s), dim.Const(rapid.Int64Range(1, 8).Draw(t, "P+S <=")))
	}
	switch rapid.IntRange(0, 5).Draw(t, "more") {
	case 0:
		b.Fix("S", 1)
	case 1:
		b.Fix("P", 0)
	case 2:
		b.AtLeast(p, s)
	}
	if rapid.Bool().Draw(t, "example") {
		b.SetExample(env{"S": rapid.Int64Range(0, 6).Draw(t, "S"), "P": rapid.Int64Range(0, 6).Draw(t, "P")})
	}
	w.g.Step = &ir.Step{New: s, Past: p}
	for s := int64(0); s < 7; s++ {
		for p := int64(0); p < 7; p++ {
			if b.Allows(env{"S": s, "P": p}) {
				w.allowed = append(w.allowed, env{"S": s, "P": p})
			}
		}
	}
	if len(w.allowed) == 0 {
		require.ErrorContains(t, ir.Infer(w.g), "the bounds allow no value: ")
		t.Skip("no value is allowed")
	}
	return w
}

// smallExtents are never negative where S >= 1 and P >= 0.
func smallExtents() []dim.Dim {
	s, p, one := dim.Sym("S"), dim.Sym("P"), dim.Const(1)
	return []dim.Dim{
		one, dim.Const(2), dim.Const(3), dim.Const(6), s, p, p.Add(s), s.Mul(2), s.Add(one), s.Sub(one), p.Add(one), s.Mul(3), p.Add(s).Sub(one),
	}
}

func anyExtent(t *rapid.T) dim.Dim { return rapid.SampledFrom(smallExtents()).Draw(t, "extent") }

func (w *world) input(t *rapid.T, name string) *ir.Node {
	var axes []ir.Axis
	for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(t, name) {
		axes = append(axes, ir.Axis{Name: a, Dim: anyExtent(t)})
	}
	return w.leaf(name, axes...)
}

func (w *world) leaf(name string, axes ...ir.Axis) *ir.Node {
	return w.g.Root().Declare("input", name, ir.Tensor(kernel.F32, axes...), nil)
}

// equal reports, for each allowed assignment, that two extents are the same number.
func (w *world) equal(x, y dim.Dim) bool {
	return !slices.ContainsFunc(w.allowed, func(e env) bool { return value(x, e) != value(y, e) })
}

func value(d dim.Dim, e env) int64 {
	v, err := d.Eval(e)
	if err != nil {
		panic(err)
	}
	return v
}

// shared lists the axes that both types have, and those among them whose extents differ somewhere.
func (w *world) shared(x, y ir.Type) (both, differ []string) {
	for _, a := range x.Axes {
		if b, ok := y.Axis(a.Name); ok {
			both = append(both, a.Name)
			if !w.equal(a.Dim, b.Dim) {
				differ = append(differ, a.Name)
			}
		}
	}
	return both, differ
}

// infer returns what Infer reports.
func (w *world) infer(t *rapid.T) ir.Errors {
	err := ir.Infer(w.g)
	if err == nil {
		return nil
	}
	var errs ir.Errors
	require.ErrorAs(t, err, &errs)
	return errs
}

func TestBroadcastBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		x, y := w.input(t, "x"), w.input(t, "y")
		z := w.g.Root().Op("add", "z", nil, x, y)
		errs := w.infer(t)

		both, differ := w.shared(x.Type, y.Type)
		small, big := x.Type, y.Type
		if len(small.Axes) > len(big.Axes) {
			small, big = big, small
		}
		require.Len(t, errs, len(differ)+len(small.Axes)-len(both), "every difference and every strange axis is told:\n%v", errs)
		if len(errs) == 0 {
			require.ElementsMatch(t, namesOf(big), namesOf(z.Type)) // extents may be equal without looking it
		}
		for _, e := range errs {
			if e.Rule == 2 {
				w.checkCounter(t, e, differ, x.Type, y.Type)
			} else {
				require.Equal(t, 3, e.Rule)
			}
		}
	})
}

func TestMatmulBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		x, y := w.input(t, "x"), w.input(t, "y")
		z := w.g.Root().Op("matmul", "z", ir.Attrs{"over": "a"}, x, y)
		errs := w.infer(t)

		missing := 2 - count(x.Type, "a") - count(y.Type, "a")
		_, differ := w.shared(x.Type, y.Type)
		if missing > 0 {
			require.Len(t, errs, missing, "%v", errs)
			return
		}
		require.Len(t, errs, len(differ), "%v", errs)
		for _, e := range errs {
			require.Equal(t, 3, e.Rule)
			w.checkCounter(t, e, differ, x.Type, y.Type)
		}
		if len(errs) == 0 {
			for _, name := range []string{"b", "c"} {
				require.Equal(t, max(count(x.Type, name), count(y.Type, name)), count(z.Type, name))
			}
			require.Zero(t, count(z.Type, "a"))
		}
	})
}

func namesOf(t ir.Type) []string {
	var names []string
	for _, a := range t.Axes {
		names = append(names, a.Name)
	}
	return names
}

func count(t ir.Type, axis string) int {
	if t.Index(axis) >= 0 {
		return 1
	}
	return 0
}

var (
	whyRE  = regexp.MustCompile(`^(?:(\S+) is (\S+) only while (\w) = (-?\d+); |(\S+) is never (\S+); )?(?:with S=(\d+), P=(\d+): )?(-?\d+) against (-?\d+)$`)
	axisRE = regexp.MustCompile(`^axis (\w)\b`)
)

// checkCounter holds that a refusal's example is allowed by the bounds and shows the difference, and that "only while" and
// "never" are true.
func (w *world) checkCounter(t *rapid.T, e *ir.Diag, differ []string, x, y ir.Type) {
	m := whyRE.FindStringSubmatch(e.Why)
	require.NotNil(t, m, "%s", e)
	name := axisRE.FindStringSubmatch(e.What)[1]
	require.Contains(t, differ, name)
	a, _ := x.Axis(name)
	b, _ := y.Axis(name)
	at := w.allowed[0] // constants differ anywhere
	if m[7] != "" {
		at = env{"S": atoi(m[7]), "P": atoi(m[8])}
		require.Contains(t, w.allowed, at, "%s", e)
	}
	got := []int64{atoi(m[9]), atoi(m[10])}
	require.NotEqual(t, got[0], got[1], "%s", e)
	require.ElementsMatch(t, []int64{value(a.Dim, at), value(b.Dim, at)}, got, "%s", e)
	for _, at := range w.allowed {
		same := value(a.Dim, at) == value(b.Dim, at)
		if m[3] != "" {
			require.Equal(t, at[m[3]] == atoi(m[4]), same, "%s", e)
		}
		if m[5] != "" {
			require.False(t, same, "%s", e)
		}
	}
}

func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// TestSplitBruteForce: the product of the parts is the whole for every assignment, and merging them gives it back.
func TestSplitBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		whole := anyExtent(t)
		var into []ir.Axis
		symbolic := 0
		for i := range rapid.IntRange(0, 3).Draw(t, "parts") {
			d := rapid.SampledFrom([]dim.Dim{dim.Const(1), dim.Const(2), dim.Const(3), whole, dim.Sym("S"), dim.Sym("P")}).Draw(t, "part")
			into = append(into, ir.Axis{Name: fmt.Sprintf("p%d", i), Dim: d})
			if _, ok := d.Const(); !ok {
				symbolic++
			}
		}
		x := w.leaf("x", ir.Axis{Name: "a", Dim: whole})
		y := w.g.Root().Op("split", "y", ir.Attrs{"axis": "a", "into": into}, x)
		errs := w.infer(t)

		fits := !slices.ContainsFunc(w.allowed, func(e env) bool {
			product := int64(1)
			for _, a := range into {
				product *= value(a.Dim, e)
			}
			return product != value(whole, e)
		})
		if symbolic > 1 { // not affine: refused, be it equal or not
			require.Len(t, errs, 1)
			return
		}
		require.Equal(t, fits, errs == nil, "%v", errs)
		if fits && len(into) > 0 {
			names := []string{}
			for _, a := range into {
				names = append(names, a.Name)
			}
			z := w.g.Root().Op("merge", "z", ir.Attrs{"axes": names, "into": "a"}, y)
			require.NoError(t, ir.Infer(w.g))
			require.True(t, w.equal(whole, z.Type.Axes[0].Dim))
		}
	})
}

// TestContextBruteForce: append is accepted where past and new tokens fit the state for every assignment.
func TestContextBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		ctx := rapid.Int64Range(0, 12).Draw(t, "ctx")
		root, s, p := w.g.Root(), dim.Sym("S"), dim.Sym("P")
		st := ir.Tensor(kernel.F16, ir.Ax("ctx", dim.Const(ctx)), ir.Ax("dim", 2))
		st.State = true
		state := root.Declare("state", "k", st, ir.Attrs{"along": "ctx"})
		x := w.leaf("x", ir.Ax("q", s), ir.Ax("dim", 2))
		pos := root.Op("positions", "p", ir.Attrs{"axis": "q", "count": s, "from": p})
		root.Op("append", "all", ir.Attrs{"over": "ctx", "new": "q", "as": "kv"}, state, x, pos)
		errs := w.infer(t)

		overflows := func(e env) bool { return e["S"]+e["P"] > ctx }
		require.Equal(t, slices.ContainsFunc(w.allowed, overflows), errs != nil, "%v", errs)
		if errs == nil {
			return
		}
		require.Len(t, errs, 1)
		require.Equal(t, 6, errs[0].Rule)
		var at [4]int64
		_, err := fmt.Sscanf(strings.TrimSpace(errs[0].Why), "with S=%d, P=%d: %d over %d", &at[0], &at[1], &at[2], &at[3])
		require.NoError(t, err, errs[0].Why)
		require.Contains(t, w.allowed, env{"S": at[0], "P": at[1]})
		require.Equal(t, []int64{at[0] + at[1], ctx}, at[2:])
		require.Greater(t, at[2], ctx)
	})
}
