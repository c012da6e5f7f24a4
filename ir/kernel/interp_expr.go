package kernel

// code computes a scalar and exec runs a statement.
type (
	code func(f *frame) Value
	exec func(f *frame)
)

// compiler turns a verified kernel into closures over slots.
type compiler struct {
	program *Program
	scalars map[string]int
	memory  map[string]memory
	top     int // first free place of the argument stack
}

// memory is group memory or a buffer, by its index.
type memory struct {
	name  string
	index int
	group bool
}

func (c *compiler) header(k *Kernel) {
	for _, n := range k.Ints {
		c.slot(n)
	}
	for _, n := range k.Floats {
		c.slot(n)
	}
	for _, a := range k.Grid {
		c.program.grid = append(c.program.grid, c.expr(a.N))
		c.slot(a.Var)
	}
	for i, l := range k.Group {
		c.program.group = append(c.program.group, c.expr(l.N))
		c.memory[l.Name] = memory{l.Name, i, true}
	}
	for i, b := range k.Bufs {
		c.memory[b.Name] = memory{b.Name, i, false}
	}
}

// slot gives a name a place. Names that follow each other in different blocks have a place each.
func (c *compiler) slot(name string) int {
	s := c.program.slots
	c.program.slots++
	c.scalars[name] = s
	return s
}

func (c *compiler) expr(e Expr) code {
	switch e := e.(type) {
	case *IntLit:
		v := Value{I: e.V}
		return func(*frame) Value { return v }
	case *FloatLit:
		v := Value{F: e.V}
		return func(*frame) Value { return v }
	case *Var:
		s := c.scalars[e.Name]
		return func(f *frame) Value { return f.slots[s] }
	case *Load:
		return c.load(c.memory[e.Buf], c.expr(e.Index))
	case *Call:
		return c.call(e)
	}
	panic("kernel: an expression that Verify let pass")
}

func (c *compiler) load(m memory, index code) code {
	if m.group {
		return func(f *frame) Value {
			i, s := index(f).I, f.local[m.index]
			if uint64(i) >= uint64(len(s)) {
				f.outside("load", m, i, int64(len(s)))
			}
			return Value{F: s[i]}
		}
	}
	return func(f *frame) Value {
		i, b := index(f).I, &f.bufs[m.index]
		if uint64(i) >= uint64(b.n) {
			f.outside("load", m, i, b.n)
		}
		return b.load(b.row, i, b.block)
	}
}

func (f *frame) outside(what string, m memory, i, n int64) {
	f.fail("%s %s[%d]: %s has %d elements", what, m.name, i, m.name, n)
}

// call evaluates the arguments onto the frame's stack. An argument's own calls use the places above.
func (c *compiler) call(e *Call) code {
	n := len(e.Args)
	base := c.top
	c.top += n
	c.program.stack = max(c.program.stack, c.top)
	args := make([]code, n)
	for i, a := range e.Args {
		args[i] = c.expr(a)
	}
	c.top = base
	fn, partial := e.Fn, e.Fn.partial()
	return func(f *frame) Value {
		s := f.stack[base : base+n]
		for i, a := range args {
			s[i] = a(f)
		}
		if partial && fn.undefined(s) {
			f.fail("%d %s %d in %s is not defined", s[0].I, fn.Infix, s[1].I, ExprString(e))
		}
		return fn.Eval(s)
	}
}
