package clike

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// joined is the Join that a kernel ends with.
type joined struct {
	*kernel.Join
	groups, each, all int64
	places            int64 // where groups are counted: one for those that join
	received          int   // where what a group receives from the others lies
}

// open finds the Join of a kernel, if it ends with one, and has the group ready for what the others send.
func (p *printer) open() {
	if len(p.k.Body) == 0 {
		return
	}
	s, ok := p.k.Body[len(p.k.Body)-1].(*kernel.Join)
	if !ok {
		return
	}
	d, groups, each, all := p.emitter.d, p.n.rangeOf(s.Groups), p.n.rangeOf(s.Each), p.n.rangeOf(s.All)
	j := &joined{Join: s, groups: groups.Lo, each: each.Lo, all: all.Lo, places: 1}
	for _, a := range p.k.Grid {
		j.places = mul(j.places, p.n.rangeOf(a.N).Hi)
	}
	j.places /= max(j.groups, 1)
	switch {
	case d.Joined == 0:
		p.fail("%s: groups do not see what others of their kernel have", j)
	case !groups.Fixed() || !each.Fixed() || !all.Fixed() || groups.Hi > int64(d.Joined) || each.Lo < 1 || all.Lo < 1:
		p.fail("%s: at most %d groups join, whose parts have a known size", j, d.Joined)
	case int64(p.counts)+j.places > int64(d.Counts):
		p.fail("%s: there are %d places, of which %d are taken", j, d.Counts, p.counts)
	default:
		// A head and, from each group, a row that is rounded up.
		j.received = p.memory.take(int(16 + 4*j.groups*(j.each+j.all+6)))
		p.memory.ring = p.memory.size
		p.joined = j
		p.line("%s::open(memory + %d%s);", p.joinedType(), j.received, p.place())
	}
}

func (j *joined) String() string {
	return fmt.Sprintf("joined(%s, %s, %s, %s, %s)", kernel.ExprString(j.Groups), j.Parts, j.X, kernel.ExprString(j.Each), kernel.ExprString(j.All))
}

// joinedType is the prelude's type for the kernel's Join.
func (p *printer) joinedType() string {
	return fmt.Sprintf("Joined<%d, %d, %d, %d>", p.joined.groups, p.joined.each, p.joined.all, p.threads)
}

// join spells the loop over the shares that are this group's.
func (p *printer) join(s *kernel.Join) {
	if p.joined == nil { // open has failed
		return
	}
	p.line("const %s joined(step, %d, %s, %s, memory + %d%s);", p.joinedType(), p.counts, p.name(s.Parts), p.name(s.X), p.joined.received, p.place())
	p.counts += int(p.joined.places)
	v := p.name(s.Var)
	p.line("for (int %s = joined.from; %s < joined.to; %s++) {", v, v, v)
	p.loops++
	p.block(s.Body)
	p.loops--
	p.line("}")
}

// joinedLoad reads an element of a part, by the number of its group among those that join and its own in the part.
func (p *printer) joinedLoad(l *kernel.Load) string {
	j := p.joined
	group, i := p.split(l.Index, j.groups*j.each+j.all)
	_, group = p.split(group, j.groups)
	switch r := p.n.rangeOf(i); {
	case r.Lo >= j.groups*j.each:
		return fmt.Sprintf("joined.of_all(%s, %s)", p.ints(group), p.ints(i))
	case r.Hi < j.groups*j.each:
		return fmt.Sprintf("joined.of_share(%s, %s)", p.ints(group), p.ints(i))
	}
	p.fail("%s may be of a share or for all", kernel.ExprString(l))
	return ""
}

// split divides an index that is not negative by n. Of a sum it takes the multiples of n apart, where the rest is less than n.
func (p *printer) split(e kernel.Expr, n int64) (quotient, rest kernel.Expr) {
	quotient, rest = kernel.I(0), kernel.I(0)
	for _, t := range terms(e) {
		if q := over(t, n); q != nil {
			quotient = kernel.Add(quotient, q)
		} else {
			rest = kernel.Add(rest, t)
		}
	}
	if r := p.n.rangeOf(rest); r.Lo >= 0 && r.Hi < n {
		return quotient, rest
	}
	return p.n.fold(kernel.Div(e, kernel.I(n))), p.n.fold(kernel.Rem(e, kernel.I(n)))
}

// terms are what e is the sum of.
func terms(e kernel.Expr) []kernel.Expr {
	if c, ok := e.(*kernel.Call); ok && c.Fn.Name == "add" {
		return append(terms(c.Args[0]), terms(c.Args[1])...)
	}
	return []kernel.Expr{e}
}

// over is e/n of a literal multiple of n, or nil.
func over(e kernel.Expr, n int64) kernel.Expr {
	switch e := e.(type) {
	case *kernel.IntLit:
		if e.V%n == 0 {
			return kernel.I(e.V / n)
		}
	case *kernel.Call:
		if e.Fn.Name != "mul" {
			return nil
		}
		for i, f := range e.Args {
			if lit, ok := f.(*kernel.IntLit); ok && lit.V%n == 0 {
				return kernel.Mul(e.Args[1-i], kernel.I(lit.V/n))
			}
		}
	}
	return nil
}
