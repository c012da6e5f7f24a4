package dim

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// box is the range of every symbol in the brute-force properties.
const boxLo, boxHi = -3, 4

var boxSyms = []string{"x", "y", "z"}

// A claimCase is random bounds inside a box, and two dimensions to compare.
type claimCase struct {
	b    *Bounds
	syms []string
	x, y Dim
}

func anyCase(t *rapid.T) claimCase {
	syms := boxSyms[:rapid.IntRange(1, len(boxSyms)).Draw(t, "symbols")]
	draw := func(label string, most int64) Dim {
		d := Const(rapid.Int64Range(-6, 6).Draw(t, label+" offset"))
		for _, s := range syms {
			d = d.Add(Sym(s).Mul(rapid.Int64Range(-most, most).Draw(t, label+" "+s)))
		}
		return d
	}
	c := claimCase{b: new(Bounds), syms: syms, x: draw("x", 3), y: draw("y", 3)}
	for _, s := range syms {
		c.b.Declare(s)
		lo := rapid.Int64Range(boxLo, 1).Draw(t, "lo "+s)
		c.b.AtLeast(Sym(s), Const(lo))
		c.b.AtMost(Sym(s), Const(rapid.Int64Range(lo, boxHi).Draw(t, "hi "+s)))
	}
	for range rapid.IntRange(0, 3).Draw(t, "constraints") {
		d := draw("constraint", 4)
		if rapid.Bool().Draw(t, "at most") {
			c.b.AtMost(d, Const(0))
		} else {
			c.b.AtLeast(d, Const(0))
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "fix") == 0 {
		c.b.Fix(syms[0], rapid.Int64Range(boxLo, boxHi).Draw(t, "fixed"))
	}
	return c
}

// allowed lists the box's assignments that satisfy the constraints as they were
// stated, in the order of Proof.Counter.
func (c claimCase) allowed(t *rapid.T) []env {
	var points [][]int64
	var extend func(p []int64)
	extend = func(p []int64) {
		if len(p) == len(c.syms) {
			points = append(points, slices.Clone(p))
			return
		}
		for v := int64(boxLo); v <= boxHi; v++ {
			extend(append(p, v))
		}
	}
	extend(nil)
	size := func(p []int64) (n int64) {
		for _, v := range p {
			n += max(v, -v)
		}
		return n
	}
	slices.SortFunc(points, func(a, b []int64) int {
		if d := size(a) - size(b); d != 0 {
			return int(d)
		}
		return slices.Compare(a, b)
	})
	var envs []env
	for _, p := range points {
		e := env{}
		for i, s := range c.syms {
			e[s] = p[i]
		}
		ok := true
		for _, k := range c.b.Constraints() {
			l, r := value(t, k.L, e), value(t, k.R, e)
			ok = ok && map[string]bool{">=": l >= r, "<=": l <= r, "=": l == r}[k.Op]
		}
		require.Equal(t, ok, c.b.Allows(e))
		if ok {
			envs = append(envs, e)
		}
	}
	return envs
}

// checkProof compares a proof with the claim's truth at every allowed point. In
// a small box the decision is complete, so Unknown is a failure too.
func checkProof(t *rapid.T, c claimCase, envs []env, got Proof, holds func(env) bool) {
	want := Proof{Verdict: Proved}
	candidates := envs
	if ex := c.b.Example(); ex != nil && slices.ContainsFunc(envs, func(e env) bool { return mapsEqual(e, ex) }) {
		candidates = append([]env{ex}, envs...)
	}
	for _, e := range candidates {
		if !holds(e) {
			want = Proof{Refuted, e}
			break
		}
	}
	require.Equal(t, want, got, "%s against %s under %v", c.x, c.y, c.b.Constraints())
}

func mapsEqual(a, b env) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return len(a) == len(b)
}

func TestClaimsAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		if rapid.Bool().Draw(t, "has example") {
			ex := env{}
			for _, s := range c.syms {
				ex[s] = rapid.Int64Range(boxLo, boxHi).Draw(t, "example "+s)
			}
			c.b.SetExample(ex)
		}
		envs := c.allowed(t)
		require.Equal(t, len(envs) > 0, c.b.Satisfiable())
		checkProof(t, c, envs, c.b.Equal(c.x, c.y), func(e env) bool {
			return value(t, c.x, e) == value(t, c.y, e)
		})
		checkProof(t, c, envs, c.b.GreaterEqual(c.x, c.y), func(e env) bool {
			return value(t, c.x, e) >= value(t, c.y, e)
		})
	})
}

// Random pairs are seldom equal; here y is x wherever the bounds pin a symbol.
func TestEqualWhereBoundsPin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		pin := Sym(c.syms[0]).Mul(rapid.Int64Range(1, 3).Draw(t, "k"))
		if len(c.syms) > 1 {
			pin = pin.Sub(Sym(c.syms[1]).Mul(rapid.Int64Range(-3, 3).Draw(t, "l")))
		}
		n := Const(rapid.Int64Range(-4, 4).Draw(t, "n"))
		c.b.AtLeast(pin, n)
		c.b.AtMost(pin, n)
		c.y = c.x.Add(pin.Sub(n).Mul(rapid.Int64Range(-3, 3).Draw(t, "m")))
		require.Equal(t, Proved, c.b.Equal(c.x, c.y).Verdict, "%s against %s under %v", c.x, c.y, c.b.Constraints())
	})
}

func TestExtentAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		envs := c.allowed(t)
		lo, okLo := c.b.Min(c.x)
		hi, okHi := c.b.Max(c.x)
		require.Equal(t, len(envs) > 0, okLo)
		require.Equal(t, len(envs) > 0, okHi)
		if len(envs) == 0 {
			return
		}
		least, most := value(t, c.x, envs[0]), value(t, c.x, envs[0])
		for _, e := range envs {
			least, most = min(least, value(t, c.x, e)), max(most, value(t, c.x, e))
		}
		require.Equal(t, least, lo, "min of %s under %v", c.x, c.b.Constraints())
		require.Equal(t, most, hi, "max of %s under %v", c.x, c.b.Constraints())
	})
}
