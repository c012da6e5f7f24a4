package jinja

import "time"

// An Env is what a template sees of the world.
type Env struct {
	Now time.Time // for strftime_now
}

// Render runs the template over its variables. It stops with an error at the
// package's limits.
func (t *Template) Render(vars map[string]Value, env Env) (Text, error) {
	return t.render(vars, env, standard)
}

func (t *Template) render(vars map[string]Value, env Env, l limits) (text Text, err error) {
	defer catch(&err)
	e := &evaluator{env: env, limits: l, out: &textBuilder{}, scope: &variables{}}
	for name, f := range globals {
		e.scope.set(name, f)
	}
	for name, v := range vars {
		e.scope.set(name, v)
		e.limits.output += 2 * size(v)
	}
	e.scope = &variables{parent: e.scope}
	e.run(t.body)
	return e.out.text(), nil
}

// size counts the bytes of text in a variable.
func size(v Value) int {
	n := 0
	switch v := v.(type) {
	case Text:
		n = len(v.s)
	case *List:
		for _, x := range v.items {
			n += size(x)
		}
	case *Dict:
		for k, x := range v.values {
			n += len(k) + size(x)
		}
	}
	return n
}

// An evaluator is one rendering.
type evaluator struct {
	env                  Env
	limits               limits // see budget.go
	out                  *textBuilder
	scope                *variables
	line                 int // of the node that runs, for errors
	loops                int // for loops around
	steps, worked, depth int // see budget.go
}

func (e *evaluator) write(t Text) {
	if n := e.out.s.Len() + len(t.s); n > e.limits.output {
		e.failf("stopped before the output reaches %d bytes, the limit is %d", n, e.limits.output)
	}
	e.work(t.cost())
	e.out.add(t)
}

// variables are the names of one scope.
type variables struct {
	names  map[string]Value
	parent *variables
}

func (v *variables) set(name string, x Value) {
	if v.names == nil {
		v.names = map[string]Value{}
	}
	v.names[name] = x
}

func (e *evaluator) lookup(name string) Value {
	for v := e.scope; v != nil; v = v.parent {
		e.step()
		if x, ok := v.names[name]; ok {
			return x
		}
	}
	return undefined{name}
}

// arguments are a call's values.
type arguments struct {
	positional []Value
	names      []string
	named      []Value
}

// absent stands for an argument that was not given.
type absent struct{}

// bind puts the arguments into the order of the parameters, of which the first
// `required` must be given.
func (a arguments) bind(e *evaluator, what string, required int, params ...string) []Value {
	if len(a.positional) > len(params) {
		e.failf("%s takes %d arguments, %d were given", what, len(params), len(a.positional))
	}
	bound := make([]Value, len(params))
	for i := range bound {
		bound[i] = absent{}
	}
	copy(bound, a.positional)
	for i, name := range a.names {
		at := -1
		for j, p := range params {
			if p == name {
				at = j
			}
		}
		if at < 0 {
			e.failf("%s has no parameter '%s'", what, name)
		}
		if bound[at] != (absent{}) {
			e.failf("%s was given '%s' twice", what, name)
		}
		bound[at] = a.named[i]
	}
	for i := range required {
		if _, missing := bound[i].(absent); missing {
			e.failf("%s needs its argument '%s'", what, params[i])
		}
	}
	return bound
}

// text, integer and flag read one bound argument, or its default.

func (e *evaluator) text(what string, v Value, absence string) Text {
	switch v := v.(type) {
	case absent:
		return TemplateText(absence)
	case Text:
		return v
	}
	e.failf("%s needs a str, not %s", what, kind(v))
	return Text{}
}

func (e *evaluator) integer(what string, v Value, absence int64) int64 {
	switch v := v.(type) {
	case absent:
		return absence
	case int64:
		return v
	}
	e.failf("%s needs an int, not %s", what, kind(v))
	return 0
}

func flag(v Value, absence bool) bool {
	if _, missing := v.(absent); missing {
		return absence
	}
	return truth(v)
}
