package dim

// A Verdict is the outcome of a claim over bounds.
type Verdict int

const (
	Proved  Verdict = iota // true for every allowed assignment
	Refuted                // false for Proof.Counter
	Unknown                // neither was shown within the limits; refuse
)

func (v Verdict) String() string {
	switch v {
	case Proved:
		return "proved"
	case Refuted:
		return "refuted"
	default:
		return "unknown"
	}
}

// A Proof is a verdict and, when Refuted, an allowed assignment for which the
// claim is false. Counter gives a value to every symbol of the claim and of the
// bounds. It is the declared example where that is allowed and refutes the
// claim; otherwise the assignment of the least sum of magnitudes, and of those
// the least in lexicographic order of the symbols sorted by name.
type Proof struct {
	Verdict Verdict
	Counter map[string]int64
}

// Equal decides x = y for every allowed assignment. Where nothing is allowed it
// is Proved, vacuously.
func (b *Bounds) Equal(x, y Dim) Proof {
	if x.Same(y) {
		return Proof{Verdict: Proved}
	}
	d := x.Sub(y)
	return b.decide(b.symbols(x, y), d.Sub(Const(1)), d.Mul(-1).Sub(Const(1)))
}

// GreaterEqual decides x >= y for every allowed assignment. Where nothing is
// allowed it is Proved, vacuously.
func (b *Bounds) GreaterEqual(x, y Dim) Proof {
	return b.decide(b.symbols(x, y), y.Sub(x).Sub(Const(1)))
}

// decide proves a claim that is false exactly where one of the denials is >= 0.
func (b *Bounds) decide(syms []string, denials ...Dim) Proof {
	if len(b.example) > 0 {
		if counter, st := b.witness(overlay(b.fixed, b.example), syms, denials...); st == found {
			return Proof{Refuted, counter}
		}
	}
	switch counter, st := b.witness(b.fixed, syms, denials...); st {
	case found:
		return Proof{Refuted, counter}
	case empty:
		return Proof{Verdict: Proved}
	default:
		return Proof{Verdict: Unknown}
	}
}

// Satisfiable reports whether an allowed assignment was found.
func (b *Bounds) Satisfiable() bool {
	_, st := b.witness(b.fixed, b.symbols(), Const(0))
	return st == found
}
