package jinja

// A test is v is name(arguments).
type test func(e *evaluator, v Value, a arguments) bool

var tests = map[string]test{
	"defined": func(_ *evaluator, v Value, _ arguments) bool {
		_, missing := v.(undefined)
		return !missing
	},
	"undefined": is[undefined],
	"none":      func(_ *evaluator, v Value, _ arguments) bool { return v == nil },
	"boolean":   is[bool],
	"integer":   is[int64],
	"float":     is[float64],
	"number": func(_ *evaluator, v Value, _ arguments) bool {
		_, _, _, ok := number(v)
		return ok
	},
	"string": func(_ *evaluator, v Value, _ arguments) bool {
		switch v.(type) {
		case Text, markup:
			return true
		}
		return false
	},
	"mapping":  is[*Dict],
	"callable": is[function],
	"iterable": sized,
	"sequence": sized,
	"true":     func(_ *evaluator, v Value, _ arguments) bool { b, ok := v.(bool); return ok && b },
	"false":    func(_ *evaluator, v Value, _ arguments) bool { b, ok := v.(bool); return ok && !b },
	"odd": func(e *evaluator, v Value, _ arguments) bool {
		return e.arithmetic("%", e.integer("odd", v, 0), 2) == int64(1)
	},
	"even": func(e *evaluator, v Value, _ arguments) bool {
		return e.arithmetic("%", e.integer("even", v, 0), 2) == int64(0)
	},
	"divisibleby": func(e *evaluator, v Value, a arguments) bool {
		n := e.integer("divisibleby", a.bind(e, "divisibleby", 1, "num")[0], 0)
		return e.arithmetic("%", e.integer("divisibleby", v, 0), n) == int64(0)
	},
	"eq": comparing("=="), "==": comparing("=="), "equalto": comparing("=="),
	"ne": comparing("!="), "!=": comparing("!="),
	"gt": comparing(">"), "greaterthan": comparing(">"),
	"ge": comparing(">="),
	"lt": comparing("<"), "lessthan": comparing("<"),
	"le": comparing("<="),
	"in": comparing("in"),
}

func is[T Value](_ *evaluator, v Value, _ arguments) bool {
	_, ok := v.(T)
	return ok
}

func sized(_ *evaluator, v Value, _ arguments) bool {
	_, ok := length(v)
	return ok
}

func comparing(op string) test {
	return func(e *evaluator, v Value, a arguments) bool {
		return e.compare(op, v, a.bind(e, op, 1, "other")[0])
	}
}
