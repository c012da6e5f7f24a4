package jinja

import (
	"cmp"
	"math"
	"math/bits"
	"strings"
)

type (
	// signExpr is -x or +x.
	signExpr struct {
		line  int
		minus bool
		x     expr
	}
	binaryExpr struct {
		line int
		op   string
		a, b expr
	}
	// compareExpr is a chain such as 0 < x <= 9.
	compareExpr struct {
		first expr
		rest  []comparison
	}
	comparison struct {
		line int
		op   string
		x    expr
	}
)

func (x *signExpr) eval(e *evaluator) Value {
	v := e.eval(x.x)
	e.line = x.line
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		e.failf("a value of type %s has no sign", kind(v))
	case isInt && x.minus:
		return e.arithmetic("-", 0, i)
	case isInt:
		return i
	case x.minus:
		return -f
	}
	return f
}

func (x *binaryExpr) eval(e *evaluator) Value {
	a, b := e.eval(x.a), e.eval(x.b)
	e.line = x.line
	if x.op == "~" {
		return e.join(e.plain(a), e.plain(b))
	}
	i, f, iInt, aNum := number(a)
	j, g, jInt, bNum := number(b)
	switch {
	case aNum && bNum && iInt && jInt && x.op != "/" && (x.op != "**" || j >= 0):
		return e.arithmetic(x.op, i, j)
	case aNum && bNum:
		return e.floating(x.op, f, g)
	case x.op == "+":
		if s, ok := a.(Text); ok {
			if t, ok := b.(Text); ok {
				return e.join(s, t)
			}
		}
		if s, ok := a.(*List); ok {
			if t, ok := b.(*List); ok && s.tuple == t.tuple {
				e.work(16 * (len(s.items) + len(t.items)))
				return &List{append(append([]Value(nil), s.items...), t.items...), s.tuple}
			}
		}
	case x.op == "*" && jInt:
		if s, ok := a.(Text); ok {
			return e.repeat(s, j)
		}
	case x.op == "*" && iInt:
		if s, ok := b.(Text); ok {
			return e.repeat(s, i)
		}
	}
	e.failf("'%s' between %s and %s is not understood", x.op, e.name(a), e.name(b))
	return nil
}

// name describes an operand for an error.
func (e *evaluator) name(v Value) string {
	if u, ok := v.(undefined); ok {
		return u.name + " (undefined)"
	}
	return kind(v)
}

func (e *evaluator) join(a, b Text) Text {
	e.work(a.cost() + b.cost())
	var out textBuilder
	out.add(a)
	out.add(b)
	return out.text()
}

func (e *evaluator) repeat(t Text, n int64) Text {
	if n <= 0 || t.s == "" {
		return Text{}
	}
	hi, size := bits.Mul64(uint64(t.cost()), uint64(n))
	if hi > 0 || size > uint64(e.limits.work) {
		e.failf("cannot make a str of %d times %d bytes", n, len(t.s))
	}
	e.work(int(size))
	var b textBuilder
	for range n {
		b.add(t)
	}
	return b.text()
}

// arithmetic computes on ints and refuses results beyond 64 bits.
func (e *evaluator) arithmetic(op string, a, b int64) Value {
	c, ok := int64(0), true
	switch op {
	case "+":
		c = a + b
		ok = (c > a) == (b > 0)
	case "-":
		c = a - b
		ok = (c < a) == (b > 0)
	case "*":
		c, ok = multiply(a, b)
	case "//", "%":
		if b == 0 {
			e.failf("division by zero")
		}
		q, r := a/b, a%b
		if r != 0 && (r < 0) != (b < 0) {
			q, r = q-1, r+b
		}
		ok = a != math.MinInt64 || b != -1
		c = map[string]int64{"//": q, "%": r}[op]
	case "**":
		c, ok = power(a, b)
	}
	if !ok {
		e.failf("the result of %d %s %d does not fit in 64 bits", a, op, b)
	}
	return c
}

func power(a, b int64) (int64, bool) {
	if a >= -1 && a <= 1 {
		b = min(b, 2-b%2) // one or two rounds tell all
	}
	c, ok := int64(1), true
	for ; b > 0 && ok; b-- {
		c, ok = multiply(c, a)
	}
	return c, ok
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}

func (e *evaluator) floating(op string, a, b float64) Value {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		e.failf("division by zero")
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//":
		return math.Floor(a / b)
	case "%":
		r := math.Mod(a, b)
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	}
	p := math.Pow(a, b)
	if math.IsNaN(p) || math.IsInf(p, 0) {
		e.failf("%v ** %v is no finite number", a, b)
	}
	return p
}

func (x *compareExpr) eval(e *evaluator) Value {
	a := e.eval(x.first)
	for _, c := range x.rest {
		b := e.eval(c.x)
		e.line = c.line
		if !e.compare(c.op, a, b) {
			return false
		}
		a = b
	}
	return true
}

func (e *evaluator) compare(op string, a, b Value) bool {
	switch op {
	case "==":
		return e.equal(a, b)
	case "!=":
		return !e.equal(a, b)
	case "in":
		return e.contains(b, a)
	case "not in":
		return !e.contains(b, a)
	case "<":
		return e.order(a, b) < 0
	case "<=":
		return e.order(a, b) <= 0
	case ">":
		return e.order(a, b) > 0
	}
	return e.order(a, b) >= 0
}

// order compares two numbers or two strs.
func (e *evaluator) order(a, b Value) int {
	if i, f, isInt, ok := number(a); ok {
		if j, g, jsInt, ok := number(b); ok {
			if isInt && jsInt {
				return cmp.Compare(i, j)
			}
			return cmp.Compare(f, g)
		}
	}
	s, ok := a.(Text)
	t, ok2 := b.(Text)
	if !ok || !ok2 {
		e.failf("%s and %s have no order", e.name(a), e.name(b))
	}
	e.work(min(len(s.s), len(t.s)))
	return strings.Compare(s.s, t.s)
}

// contains is item in v.
func (e *evaluator) contains(v, item Value) bool {
	switch v := v.(type) {
	case undefined:
		return false
	case Text:
		t, ok := item.(Text)
		if !ok {
			e.failf("only a str can be in a str, not %s", e.name(item))
		}
		e.work(len(v.s))
		return strings.Contains(v.s, t.s)
	case *Dict:
		t, ok := item.(Text)
		e.work(len(t.s))
		_, found := v.values[t.s]
		return ok && found
	case *List:
		for _, x := range v.items {
			if e.equal(x, item) {
				return true
			}
		}
		return false
	}
	e.failf("nothing can be in a value of type %s", kind(v))
	return false
}
