package jinja

// A stmt is a piece of a template's body.
type stmt interface{ exec(e *evaluator) flow }

// flow is how a statement ended.
type flow int

const (
	goOn flow = iota
	breakLoop
	continueLoop
)

type (
	// dataStmt is text between tags.
	dataStmt struct{ text string }

	// outputStmt is {{ x }}.
	outputStmt struct {
		line int
		x    expr
	}

	// ifStmt is {% if %}, its {% elif %} and its {% else %}.
	ifStmt struct {
		branches  []branch
		otherwise []stmt
	}
	branch struct {
		line int
		test expr
		body []stmt
	}

	// setStmt is {% set a, b = x %} or {% set ns.attr = x %}.
	setStmt struct {
		line    int
		targets []string
		attr    string
		x       expr
	}

	// setBlockStmt is {% set a | filters %}...{% endset %}, or {% filter f %}
	// where target is empty.
	setBlockStmt struct {
		line         int
		target, attr string
		filters      []filterCall
		body         []stmt
	}

	// withStmt is {% with a = x %}.
	withStmt struct {
		line   int
		names  []string
		values []expr
		body   []stmt
	}

	// macroStmt is {% macro name(params) %}.
	macroStmt struct {
		line   int
		name   string
		params []param
		body   []stmt
	}
	param struct {
		name  string
		value expr // nil without a default
	}

	// jumpStmt is {% break %} or {% continue %}.
	jumpStmt struct {
		line int
		to   flow
	}
)

// run executes a body up to its end or a jump.
func (e *evaluator) run(body []stmt) flow {
	e.enter()
	for _, s := range body {
		if f := s.exec(e); f != goOn {
			e.leave()
			return f
		}
	}
	e.leave()
	return goOn
}

// capture runs a body in a scope of its own and returns what it wrote.
func (e *evaluator) capture(body []stmt) Text {
	outer, scope := e.out, e.scope
	e.out, e.scope = &textBuilder{}, &variables{parent: scope}
	e.run(body)
	text := e.out.text()
	e.out, e.scope = outer, scope
	return text
}

func (s *dataStmt) exec(e *evaluator) flow {
	e.step()
	e.write(TemplateText(s.text))
	return goOn
}

func (s *outputStmt) exec(e *evaluator) flow {
	e.line = s.line
	e.write(e.str(e.eval(s.x)))
	return goOn
}

func (s *ifStmt) exec(e *evaluator) flow {
	for _, b := range s.branches {
		e.line = b.line
		if truth(e.eval(b.test)) {
			return e.run(b.body)
		}
	}
	return e.run(s.otherwise)
}

func (s *setStmt) exec(e *evaluator) flow {
	e.line = s.line
	v := e.eval(s.x)
	if s.attr != "" {
		e.setAttr(s.targets[0], s.attr, v)
	} else {
		e.unpack(s.targets, v)
	}
	return goOn
}

func (e *evaluator) setAttr(target, attr string, v Value) {
	ns, ok := e.lookup(target).(*namespace)
	if !ok {
		e.failf("cannot set '%s.%s': '%s' is no namespace", target, attr, target)
	}
	ns.vars[attr] = v
}

// unpack assigns v to one name, or its items to several.
func (e *evaluator) unpack(names []string, v Value) {
	if len(names) == 1 {
		e.scope.set(names[0], v)
		return
	}
	items := e.iterate(v)
	if len(items) != len(names) {
		e.failf("cannot unpack %d values into %d names", len(items), len(names))
	}
	for i, name := range names {
		e.scope.set(name, items[i])
	}
}

func (s *setBlockStmt) exec(e *evaluator) flow {
	e.line = s.line
	var v Value = e.capture(s.body)
	for i := range s.filters {
		v = s.filters[i].call(e, v)
	}
	switch {
	case s.target == "":
		e.write(e.str(v))
	case s.attr != "":
		e.setAttr(s.target, s.attr, v)
	default:
		e.scope.set(s.target, v)
	}
	return goOn
}

func (s *withStmt) exec(e *evaluator) flow {
	e.line = s.line
	outer := e.scope
	inner := &variables{parent: outer}
	for i, name := range s.names {
		inner.set(name, e.eval(s.values[i]))
	}
	e.scope = inner
	f := e.run(s.body)
	e.scope = outer
	return f
}

func (s *jumpStmt) exec(e *evaluator) flow {
	e.step()
	return s.to
}

func (s *macroStmt) exec(e *evaluator) flow {
	e.line = s.line
	closure := e.scope
	e.scope.set(s.name, function(func(e *evaluator, a arguments) Value { return s.call(e, closure, a) }))
	return goOn
}

func (s *macroStmt) call(e *evaluator, closure *variables, a arguments) Value {
	line, caller := e.line, e.scope
	names := make([]string, len(s.params))
	for i, p := range s.params {
		names[i] = p.name
	}
	given := a.bind(e, s.name, 0, names...)
	e.scope = &variables{parent: closure}
	for i, p := range s.params {
		v := given[i]
		if _, missing := v.(absent); missing {
			v = undefined{p.name}
			if p.value != nil {
				v = e.eval(p.value)
			}
		}
		e.scope.set(p.name, v)
	}
	text := e.capture(s.body)
	e.line, e.scope = line, caller
	return text
}
