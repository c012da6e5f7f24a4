package dim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Dim is an immutable affine expression over named symbols, such as P+S-1.
// The zero value is 0. Compare with Same, not ==.
//
// Arithmetic that leaves int64 gives an invalid Dim, as does a Sym whose name is
// no identifier: Err tells why, every result derived from it is invalid, it is
// the Same as nothing, and no claim about it is ever proved.
type Dim struct {
	terms  []term // sorted by symbol, no coefficient is 0
	offset int64
	err    error
}

// A term is one symbol times its coefficient.
type term struct {
	sym  string
	coef int64
}

var errOverflow = errors.New("overflow")

// Const returns the dimension n.
func Const(n int64) Dim { return Dim{offset: n} }

// Sym returns the dimension that is the symbol alone. A name is an ASCII letter
// or underscore, then letters, digits and underscores.
func Sym(name string) Dim {
	if name == "" || identLen(name) != len(name) {
		return Dim{err: fmt.Errorf("%q is no symbol", clip(name))}
	}
	return Dim{terms: []term{{name, 1}}}
}

// Err tells why d is invalid; it is nil for every other Dim.
func (d Dim) Err() error { return d.err }

// Add returns d+e.
func (d Dim) Add(e Dim) Dim { return d.plus(1, e) }

// Sub returns d-e.
func (d Dim) Sub(e Dim) Dim { return d.plus(-1, e) }

// Mul returns k*d.
func (d Dim) Mul(k int64) Dim { return Dim{}.plus(k, d) }

// plus returns d+k*e, a merge of two sorted lists of terms.
func (d Dim) plus(k int64, e Dim) Dim {
	if err := firstError(d.err, e.err); err != nil {
		return Dim{err: err}
	}
	offset, ok := mulAddInt(k, e.offset, d.offset)
	var terms []term
	a, b := d.terms, e.terms
	for ok && len(a)+len(b) > 0 {
		var t term
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].sym < b[0].sym:
			t, a = a[0], a[1:]
		case len(a) == 0 || b[0].sym < a[0].sym:
			t.sym = b[0].sym
			t.coef, ok = mulInt(k, b[0].coef)
			b = b[1:]
		default:
			t.sym = a[0].sym
			t.coef, ok = mulAddInt(k, b[0].coef, a[0].coef)
			a, b = a[1:], b[1:]
		}
		if t.coef != 0 {
			terms = append(terms, t)
		}
	}
	if !ok {
		return Dim{err: errOverflow}
	}
	return Dim{terms: terms, offset: offset}
}

// firstError returns the first error that is not nil.
func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Const returns the value of d when no symbol occurs in it.
func (d Dim) Const() (int64, bool) {
	return d.offset, len(d.terms) == 0 && d.err == nil
}

// Same reports whether d and e are the same expression.
func (d Dim) Same(e Dim) bool {
	return d.err == nil && e.err == nil && d.offset == e.offset && slices.Equal(d.terms, e.terms)
}

// Symbols returns the symbols that occur in d, sorted.
func (d Dim) Symbols() []string {
	syms := make([]string, len(d.terms))
	for i, t := range d.terms {
		syms[i] = t.sym
	}
	return syms
}

// Coef returns the coefficient of sym, 0 when it does not occur.
func (d Dim) Coef(sym string) int64 {
	i, found := slices.BinarySearchFunc(d.terms, sym, func(t term, s string) int {
		return strings.Compare(t.sym, s)
	})
	if !found {
		return 0
	}
	return d.terms[i].coef
}

// Offset returns the constant term.
func (d Dim) Offset() int64 { return d.offset }

// Eval returns the value of d where each symbol has its value in env.
func (d Dim) Eval(env map[string]int64) (int64, error) {
	if d.err != nil {
		return 0, fmt.Errorf("dimension %s: %w", d, d.err)
	}
	sum := d.offset
	for _, t := range d.terms {
		v, ok := env[t.sym]
		if !ok {
			return 0, fmt.Errorf("dimension %s: symbol %s has no value", d, t.sym)
		}
		if sum, ok = mulAddInt(t.coef, v, sum); !ok {
			return 0, fmt.Errorf("dimension %s: overflow of int64 at %s=%d", d, t.sym, v)
		}
	}
	return sum, nil
}

// Subst replaces the symbols that env names, all at once.
func (d Dim) Subst(env map[string]Dim) Dim {
	if d.err != nil {
		return d
	}
	sum := Const(d.offset)
	kept := Dim{}
	for _, t := range d.terms {
		if by, ok := env[t.sym]; ok {
			sum = sum.plus(t.coef, by)
		} else {
			kept.terms = append(kept.terms, t)
		}
	}
	return sum.Add(kept)
}

// at is Subst with numbers.
func (d Dim) at(env map[string]int64) Dim {
	by := make(map[string]Dim, len(d.terms))
	for _, t := range d.terms {
		if n, ok := env[t.sym]; ok {
			by[t.sym] = Const(n)
		}
	}
	return d.Subst(by)
}

// String prints the canonical form: the symbols in order of name, then the
// constant unless it is 0: "P+S", "2*S-1", "-S+4", "512". An invalid Dim prints
// its error in parentheses, which Parse refuses.
func (d Dim) String() string {
	if d.err != nil {
		return "(" + d.err.Error() + ")"
	}
	var buf []byte
	for _, t := range d.terms {
		switch {
		case t.coef == -1:
			buf = append(buf, '-')
		case t.coef == 1:
			buf = appendPlus(buf)
		default:
			buf = appendSigned(buf, t.coef)
			buf = append(buf, '*')
		}
		buf = append(buf, t.sym...)
	}
	if d.offset != 0 || len(buf) == 0 {
		buf = appendSigned(buf, d.offset)
	}
	return string(buf)
}

// appendSigned appends n with the sign that joins it to what stands before.
func appendSigned(buf []byte, n int64) []byte {
	if n >= 0 {
		buf = appendPlus(buf)
	}
	return strconv.AppendInt(buf, n, 10)
}

// appendPlus appends a plus sign except at the beginning.
func appendPlus(buf []byte) []byte {
	if len(buf) == 0 {
		return buf
	}
	return append(buf, '+')
}
