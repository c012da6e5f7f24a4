package jinja

// An expr is a node that has a value.
type expr interface{ eval(e *evaluator) Value }

// eval computes x within the limits.
func (e *evaluator) eval(x expr) Value {
	e.enter()
	v := x.eval(e)
	e.leave()
	return v
}

type (
	constExpr struct{ v Value }
	nameExpr  struct {
		line int
		name string
	}
	listExpr struct {
		line  int
		items []expr
		tuple bool
	}
	dictExpr struct {
		line         int
		keys, values []expr
	}
	// condExpr is then if test else otherwise.
	condExpr struct {
		line                  int
		then, test, otherwise expr
	}
	// logicExpr is a and b, or a or b.
	logicExpr struct {
		line int
		a, b expr
		or   bool
	}
	notExpr struct {
		line int
		x    expr
	}
	attrExpr struct {
		line int
		x    expr
		name string
	}
	itemExpr struct {
		line   int
		x, key expr
	}
	// sliceExpr is x[from:to:step], with nil for what is left out.
	sliceExpr struct {
		line   int
		x      expr
		bounds [3]expr
	}
	callExpr struct {
		line int
		f    expr
		args argList
	}
	argList struct {
		positional []expr
		names      []string
		named      []expr
	}
	filterExpr struct {
		x    expr
		call filterCall
	}
	filterCall struct {
		line  int
		name  string
		apply filter
		args  argList
	}
	testExpr struct {
		line   int
		x      expr
		name   string
		apply  test
		args   argList
		negate bool
	}
)

func (x *constExpr) eval(*evaluator) Value { return x.v }

func (x *nameExpr) eval(e *evaluator) Value {
	e.line = x.line
	return e.lookup(x.name)
}

func (x *listExpr) eval(e *evaluator) Value { return &List{e.all(x.items), x.tuple} }

func (e *evaluator) all(list []expr) []Value {
	values := make([]Value, len(list))
	for i, x := range list {
		values[i] = e.eval(x)
	}
	return values
}

func (x *dictExpr) eval(e *evaluator) Value {
	d := NewDict()
	for i, k := range x.keys {
		key, ok := e.eval(k).(Text)
		if !ok {
			e.line = x.line
			e.failf("a dict's key must be a str here")
		}
		e.work(len(key.s))
		d.set(key, e.eval(x.values[i]))
	}
	return d
}

func (x *condExpr) eval(e *evaluator) Value {
	if truth(e.eval(x.test)) {
		return e.eval(x.then)
	}
	if x.otherwise == nil {
		return undefined{"the inline if without else"}
	}
	return e.eval(x.otherwise)
}

func (x *logicExpr) eval(e *evaluator) Value {
	if a := e.eval(x.a); truth(a) == x.or {
		return a
	}
	return e.eval(x.b)
}

func (x *notExpr) eval(e *evaluator) Value { return !truth(e.eval(x.x)) }

func (x *attrExpr) eval(e *evaluator) Value {
	v := e.eval(x.x)
	e.line = x.line
	return e.attr(v, x.name)
}

// attr is v.name: a method or attribute first, then an item.
func (e *evaluator) attr(v Value, name string) Value {
	switch v := v.(type) {
	case undefined:
		e.failf("%s is undefined, so it has no '%s'", v.name, name)
	case Text:
		if m := textMethods[name]; m != nil {
			return function(func(e *evaluator, a arguments) Value { return m(e, v, a) })
		}
	case *List:
		if m := listMethods[name]; m != nil {
			return function(func(e *evaluator, a arguments) Value { return m(e, v, a) })
		}
	case *Dict:
		if m := dictMethods[name]; m != nil {
			return function(func(e *evaluator, a arguments) Value { return m(e, v, a) })
		}
		if x, ok := v.values[name]; ok {
			return x
		}
	case *namespace:
		if x, ok := v.vars[name]; ok {
			return x
		}
	case *loop:
		return v.attr(e, name)
	case markup:
		e.failf("a safe str has no '%s' here", name)
	}
	return undefined{kind(v) + "." + name}
}

func (x *itemExpr) eval(e *evaluator) Value {
	v, key := e.eval(x.x), e.eval(x.key)
	e.line = x.line
	return e.item(v, key)
}

// item is v[key]: an item first, then an attribute.
func (e *evaluator) item(v, key Value) Value {
	name, isText := key.(Text)
	e.work(len(name.s))
	if d, ok := v.(*Dict); ok && isText {
		if x, ok := d.values[name.s]; ok {
			return x
		}
	}
	if isText {
		return e.attr(v, name.s)
	}
	i, _, isInt, _ := number(key)
	if t, ok := v.(Text); ok {
		e.work(len(t.s))
	}
	n, sized := length(v)
	switch v := v.(type) {
	case undefined:
		e.failf("%s is undefined, so it has no items", v.name)
	case markup:
		e.failf("a safe str has no items here")
	case *Dict:
		return undefined{"dict item"}
	}
	if !sized || !isInt {
		return undefined{kind(v) + " item"}
	}
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return undefined{"an item beyond the end of a " + kind(v)}
	}
	if list, ok := v.(*List); ok {
		return list.items[i]
	}
	t := v.(Text)
	from := runeOffset(t.s, i)
	return t.slice(from, from+runeOffset(t.s[from:], 1))
}

func (x *callExpr) eval(e *evaluator) Value {
	f := e.eval(x.f)
	args := e.args(x.args)
	e.line = x.line
	switch f := f.(type) {
	case function:
		return f(e, args)
	case undefined:
		e.failf("%s is undefined, so it cannot be called", f.name)
	}
	e.failf("a value of type %s cannot be called", kind(f))
	return nil
}

func (e *evaluator) args(a argList) arguments {
	return arguments{e.all(a.positional), a.names, e.all(a.named)}
}

func (x *filterExpr) eval(e *evaluator) Value { return x.call.call(e, e.eval(x.x)) }

func (f *filterCall) call(e *evaluator, v Value) Value {
	args := e.args(f.args)
	e.line = f.line
	return f.apply(e, v, args)
}

func (x *testExpr) eval(e *evaluator) Value {
	v, args := e.eval(x.x), e.args(x.args)
	e.line = x.line
	return x.apply(e, v, args) != x.negate
}
