package jinja

// forStmt is {% for targets in over if filter %} with its {% else %}.
type forStmt struct {
	line            int
	targets         []string
	over, filter    expr
	body, otherwise []stmt
}

// A loop is the variable of that name inside a for.
type loop struct {
	items   []Value
	at      int // index of the item of this round
	depth   int // loops around
	changed Value
}

func (s *forStmt) exec(e *evaluator) flow {
	e.line = s.line
	outer := e.scope
	items := e.iterate(e.eval(s.over))
	if s.filter != nil {
		items = e.keep(s, items)
	}
	l := &loop{items: items, depth: e.loops, changed: absent{}}
	e.loops++
	completed := false // jinja2's else runs unless a round came to its end
	for i, item := range items {
		e.step()
		l.at = i
		e.scope = &variables{parent: outer}
		e.scope.set("loop", l)
		e.unpack(s.targets, item)
		jump := e.run(s.body)
		if jump == breakLoop {
			break
		}
		completed = completed || jump == goOn
	}
	e.loops--
	jump := goOn
	if !completed {
		e.scope = &variables{parent: outer}
		jump = e.run(s.otherwise)
	}
	e.scope = outer
	return jump
}

// keep lists the items for which the loop's filter holds.
func (e *evaluator) keep(s *forStmt, items []Value) []Value {
	e.work(16 * len(items))
	outer := e.scope
	var kept []Value
	for _, item := range items {
		e.scope = &variables{parent: outer}
		e.unpack(s.targets, item)
		if truth(e.eval(s.filter)) {
			kept = append(kept, item)
		}
	}
	e.scope = outer
	return kept
}

// attr is loop.name.
func (l *loop) attr(e *evaluator, name string) Value {
	n := len(l.items)
	neighbour := func(i int) Value {
		if i < 0 || i >= n {
			return undefined{"loop." + name}
		}
		return l.items[i]
	}
	switch name {
	case "index":
		return int64(l.at + 1)
	case "index0":
		return int64(l.at)
	case "revindex":
		return int64(n - l.at)
	case "revindex0":
		return int64(n - l.at - 1)
	case "first":
		return l.at == 0
	case "last":
		return l.at == n-1
	case "length":
		return int64(n)
	case "depth":
		return int64(l.depth + 1)
	case "depth0":
		return int64(l.depth)
	case "previtem":
		return neighbour(l.at - 1)
	case "nextitem":
		return neighbour(l.at + 1)
	case "cycle":
		return function(l.cycle)
	case "changed":
		return function(l.hasChanged)
	}
	return undefined{"loop." + name}
}

func (l *loop) cycle(e *evaluator, a arguments) Value {
	if len(a.positional) == 0 {
		e.failf("loop.cycle needs values")
	}
	return a.positional[l.at%len(a.positional)]
}

// hasChanged tells whether its arguments differ from those of the last call.
func (l *loop) hasChanged(e *evaluator, a arguments) Value {
	now := &List{a.positional, true}
	last := l.changed
	l.changed = now
	_, first := last.(absent)
	return first || !e.equal(last, now)
}
