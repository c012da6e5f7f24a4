package dim

import (
	"maps"
	"slices"
)

// Bounds is what a graph promises about its symbols: a conjunction of
// constraints. The zero value promises nothing. A symbol without a constraint,
// declared or not, is any integer.
//
// Bounds that no assignment satisfies prove every claim, vacuously; Satisfiable
// lets a verifier refuse them first.
type Bounds struct {
	declared    []string
	constraints []Constraint
	fixed       map[string]int64
	example     map[string]int64
}

// A Constraint relates two dimensions. It prints as "P+S <= 512".
type Constraint struct {
	L  Dim
	Op string // ">=", "<=" or "="
	R  Dim
}

func (c Constraint) String() string {
	return c.L.String() + " " + c.Op + " " + c.R.String()
}

// nonNegative returns the expressions that are >= 0 exactly where c holds.
func (c Constraint) nonNegative() []Dim {
	switch c.Op {
	case ">=":
		return []Dim{c.L.Sub(c.R)}
	case "<=":
		return []Dim{c.R.Sub(c.L)}
	default:
		return []Dim{c.L.Sub(c.R), c.R.Sub(c.L)}
	}
}

// Declare records a symbol that the graph declares. A second time changes nothing.
func (b *Bounds) Declare(sym string) {
	if !slices.Contains(b.declared, sym) {
		b.declared = append(b.declared, sym)
	}
}

// Declared returns the declared symbols in the order of their declaration.
func (b *Bounds) Declared() []string { return slices.Clone(b.declared) }

// AtLeast adds d >= lo.
func (b *Bounds) AtLeast(d, lo Dim) {
	b.constraints = append(b.constraints, Constraint{d, ">=", lo})
}

// AtMost adds d <= hi.
func (b *Bounds) AtMost(d, hi Dim) {
	b.constraints = append(b.constraints, Constraint{d, "<=", hi})
}

// Fix adds sym = n, and every proof substitutes it before anything else. A
// symbol that is fixed to two values leaves the bounds without an assignment.
func (b *Bounds) Fix(sym string, n int64) {
	b.constraints = append(b.constraints, Constraint{Sym(sym), "=", Const(n)})
	if b.fixed == nil {
		b.fixed = map[string]int64{}
	}
	b.fixed[sym] = n
}

// Constraints returns the constraints in the order in which they were added.
func (b *Bounds) Constraints() []Constraint { return slices.Clone(b.constraints) }

// SetExample names the assignment that is tried first when a counterexample is
// sought. Symbols that it leaves out are searched for.
func (b *Bounds) SetExample(env map[string]int64) { b.example = maps.Clone(env) }

// Example returns a copy of what SetExample was given, nil without it.
func (b *Bounds) Example() map[string]int64 { return maps.Clone(b.example) }

// Clone returns bounds that share nothing with b.
func (b *Bounds) Clone() *Bounds {
	return &Bounds{
		declared:    slices.Clone(b.declared),
		constraints: slices.Clone(b.constraints),
		fixed:       maps.Clone(b.fixed),
		example:     maps.Clone(b.example),
	}
}

// Allows reports whether every constraint holds at env. A fixed symbol may be
// left out of env; with any other missing, a constraint that needs it does not
// hold, and neither does one whose sides exceed int64.
func (b *Bounds) Allows(env map[string]int64) bool {
	all := overlay(b.fixed, env)
	for _, c := range b.constraints {
		l, err := c.L.Eval(all)
		if err != nil {
			return false
		}
		r, err := c.R.Eval(all)
		if err != nil {
			return false
		}
		if c.Op != "<=" && l < r || c.Op != ">=" && l > r {
			return false
		}
	}
	return true
}

// symbols returns, sorted, what an assignment has to give a value: the declared
// symbols, those of the constraints, and those of the dimensions in question.
func (b *Bounds) symbols(dims ...Dim) []string {
	syms := slices.Clone(b.declared)
	for _, c := range b.constraints {
		dims = append(dims, c.L, c.R)
	}
	for _, d := range dims {
		syms = append(syms, d.Symbols()...)
	}
	slices.Sort(syms)
	return slices.Compact(syms)
}

// overlay returns the union of two assignments; top wins.
func overlay(base, top map[string]int64) map[string]int64 {
	all := make(map[string]int64, len(base)+len(top))
	maps.Copy(all, base)
	maps.Copy(all, top)
	return all
}
