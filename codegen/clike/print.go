package clike

import (
	"fmt"
	"math"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// printer spells one kernel.
type printer struct {
	*emitter
	*planner
	k        *kernel.Kernel
	index    int // of the kernel
	n        *narrower
	barriers map[kernel.Stmt]bool
	used     names // nil where whatever the kernel has is declared
	memory   layout
	out      strings.Builder
	indent   int
	scope    scope
	prepared string                            // what prep holds, or ""
	prepUsed bool                              // it has held something
	loops    int                               // loops around
	later    []*planned                        // whose weights are asked for when x is on its way
	earlies  map[*kernel.For]map[string]string // names of what was loaded early for a loop, by how the load prints
	loaded   map[string]string                 // those of the loop that is being spelled
	taken    map[string]bool                   // such names
	turn     string                            // the index whose elements lanes have in registers, or ""
	joined   *joined                           // nil where no Join ends the kernel
	err      error
}

// scope is who runs the statements: the whole group together, a team, or a single lane.
type scope int

const (
	group scope = iota
	team
	lane
)

func (p *printer) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *printer) line(format string, args ...any) {
	p.out.WriteString(strings.Repeat("  ", p.indent))
	fmt.Fprintf(&p.out, format+"\n", args...)
}

// overlaps reports that kernels wait for those before them by themselves.
func (p *printer) overlaps() bool { return p.emitter.d.Overlap }

func (p *printer) kernel() string {
	p.indent = 1
	p.declare()
	p.open()
	w := &waiting{printer: p, done: !p.overlaps(), released: !p.overlaps()}
	w.block(p.k.Body)
	w.end()
	var head strings.Builder
	for _, d := range p.k.Doc {
		head.WriteString("// " + d + "\n")
	}
	h := Head{Name: p.k.Name, Threads: p.threads, Memory: p.memory.size}
	if p.joined != nil {
		h.Cluster = int(p.joined.groups)
	}
	for _, plan := range p.plans {
		h.Single = h.Single || plan.Single
	}
	for _, b := range p.k.Bufs {
		t := p.emitter.d.Bytes
		if !blocks(b.DType) {
			t = p.emitter.d.Types[b.DType]
		}
		h.Params = append(h.Params, Param{p.name(b.Name), t, b.Role == kernel.In || b.Role == kernel.Weight, b.Role == kernel.Weight || p.fixed[b.Name] > 0})
	}
	return head.String() + p.emitter.d.Open(h) + p.out.String() + "}\n"
}

// declare spells the symbols, the place in the grid and the group memory.
func (p *printer) declare() {
	for _, s := range p.k.Ints {
		at := -1
		for i, name := range p.o.Symbols {
			if name == s {
				at = i
			}
		}
		if at < 0 {
			p.fail("%s is no symbol of the step", s)
		}
		p.line("const int %s = step[%d];", p.name(s), at)
	}
	rest := "group_index"
	for i := len(p.k.Grid) - 1; i >= 0; i-- {
		a := p.k.Grid[i]
		if i == 0 {
			p.coordinate(a.Var, rest)
			break
		}
		ext := p.expr(a.N, precedence["mul"]+1)
		p.coordinate(a.Var, rest+" % "+ext)
		rest = rest + " / " + ext
	}
	p.locals()
}

func (p *printer) coordinate(name, value string) {
	if p.used == nil || p.used[name] {
		p.line("const int %s = %s;", p.name(name), value)
	}
}

func (p *printer) stmts(body []kernel.Stmt) {
	for _, s := range body {
		p.stmt(s)
	}
}

func (p *printer) stmt(s kernel.Stmt) {
	if l, ok := s.(*kernel.For); ok && p.attends[l] != nil {
		p.loopCall(p.attends[l])
		return
	}
	p.wait(s)
	if plan := p.plans[s]; plan != nil {
		p.tileCall(plan)
		return
	}
	if l, ok := s.(*kernel.Let); ok {
		p.line("const %s %s = %s;", typeNames[l.Value.Type()], p.name(l.Name), p.expr(l.Value, 0))
		return
	}
	p.prepared = ""
	switch s := s.(type) {
	case *kernel.Store:
		p.store(s)
	case *kernel.For:
		p.loop(s)
	case *kernel.Reduce:
		p.reduce(s)
	case *kernel.If:
		p.line("if (%s) {", p.expr(s.Cond, 0))
		p.block(s.Then)
		if len(s.Else) > 0 {
			p.line("} else {")
			p.block(s.Else)
		}
		p.line("}")
	case *kernel.Join:
		p.join(s)
	default:
		p.fail("%T has no spelling", s)
	}
}

var typeNames = map[kernel.Type]string{kernel.Int: "int", kernel.Float: "float", kernel.Bool: "bool"}

// wait puts a barrier before a statement that needs one. In a team every statement that touches memory has one, as it costs little.
func (p *printer) wait(s kernel.Stmt) {
	switch {
	case p.scope == group && p.barriers[s]:
		p.barrier()
	case p.scope == team && touches(s, func(string) bool { return true }):
		p.line("team_barrier();")
	}
}

// barrier has the group wait for one another, if it does not just so.
func (p *printer) barrier() {
	const text = "group_barrier();"
	if !strings.HasSuffix(p.out.String(), text+"\n") {
		p.line(text)
	}
}

func (p *printer) block(body []kernel.Stmt) {
	p.indent++
	p.stmts(body)
	p.indent--
}

// in spells statements that others run than those around.
func (p *printer) in(s scope, body []kernel.Stmt) {
	outer := p.scope
	p.scope = s
	p.block(body)
	p.scope = outer
}

func (p *printer) store(s *kernel.Store) {
	var text string
	target := p.name(s.Buf) + "[" + p.ints(s.Index) + "]"
	switch b, global := p.bufs[s.Buf]; {
	case global && (b.DType == kernel.F16 || b.DType == kernel.BF16):
		text = fmt.Sprintf("%s = to_%s(%s);", target, b.DType, p.expr(s.Value, 0))
	case global && blocks(b.DType):
		p.fail("%s holds blocks and is not stored to", s.Buf)
	default:
		text = fmt.Sprintf("%s = %s;", target, p.expr(s.Value, 0))
	}
	switch p.scope {
	case group:
		text = "if (" + p.emitter.d.Self + " == 0) " + text
	case team:
		text = "if (lane == 0) " + text
	}
	p.line("%s", text)
}

func (p *printer) loop(s *kernel.For) {
	v, hi := p.name(s.Var), p.ints(s.Hi)
	if s.Lanes && p.spread(s.Lo, s.Hi, s.Step, p.threads, s.Body) == 0 && p.ahead(s) {
		return
	}
	turns := p.unroll(s.Lo, s.Hi, s.Step, p.sharers(s.Lanes, s.Teams), s.Body)
	switch {
	case s.Lanes && p.scope != lane:
		p.line("%s {", p.shared(v, hi, s.Hi, turns))
		p.loaded = p.earlies[s]
		p.in(lane, s.Body)
		p.loaded = nil
	case s.Teams && p.scope == group:
		p.line("for (int %s = team; %s < %s; %s += %d) {", v, v, hi, v, p.threads/p.emitter.d.Team)
		p.in(team, s.Body)
	case s.Lanes || s.Teams:
		p.fail("a loop over lanes or teams within one over lanes")
	default:
		p.line("for (int %s = %s; %s < %s; %s += %s) {", v, p.ints(s.Lo), v, hi, v, p.ints(s.Step))
		p.loops++
		p.block(s.Body)
		p.loops--
	}
	p.line("}")
}

// sharers is how many lanes or teams a loop's iterations are divided among.
func (p *printer) sharers(lanes, teams bool) int {
	switch {
	case lanes && p.scope == group:
		return p.threads
	case lanes && p.scope == team:
		return p.emitter.d.Team
	case teams:
		return p.threads / p.emitter.d.Team
	}
	return 1
}

// shared is the head of a loop from 0 that lanes share. One that is spread out counts turns: where the compiler does not know a lane's
// number, it does not know theirs either, and spreads out a part of the loop.
func (p *printer) shared(v, hi string, n kernel.Expr, turns int64) string {
	from, by := p.emitter.d.Self, fmt.Sprint(p.threads)
	if p.scope == team {
		from, by = "lane", "TEAM"
	}
	if turns == 0 {
		return fmt.Sprintf("for (int %s = %s; %s < %s; %s += %s)", v, from, v, hi, v, by)
	}
	head := fmt.Sprintf("for (int turn = 0, %s = %s; turn < %d; turn++, %s += %s)", v, from, turns, v, by)
	if p.n.rangeOf(n).Lo%int64(p.sharers(true, false)) != 0 {
		head += fmt.Sprintf(" if (%s < %s)", v, hi)
	}
	return head
}

// unroll has the compiler spread out a loop of a few turns, so that all its loads are under way at once. It tells how many, or 0.
func (p *printer) unroll(lo, hi, step kernel.Expr, sharers int, body []kernel.Stmt) int64 {
	turns := p.spread(lo, hi, step, sharers, body)
	if turns > 0 {
		p.line("#pragma unroll")
	}
	return turns
}

// spread is how many turns a loop has that is to be spread out, or 0.
func (p *printer) spread(lo, hi, step kernel.Expr, sharers int, body []kernel.Stmt) int64 {
	a, b, by := p.n.rangeOf(lo), p.n.rangeOf(hi), p.n.rangeOf(step)
	if !a.Fixed() || !b.Fixed() || !by.Fixed() || by.Lo < 1 || b.Lo <= a.Lo {
		return 0
	}
	turns := (b.Lo - a.Lo + by.Lo*int64(sharers) - 1) / (by.Lo * int64(sharers))
	if turns <= 1 || turns > mostUnrolled || !p.straight(body) {
		return 0
	}
	return turns
}

// mostUnrolled is the most turns of a loop that is spread out.
const mostUnrolled = 16

// straight reports statements without loops and tiles.
func (p *printer) straight(body []kernel.Stmt) bool {
	for _, s := range body {
		switch s.(type) {
		case *kernel.Let, *kernel.Store:
		default:
			return false
		}
	}
	return true
}

// reduce has each lane take its share first.
func (p *printer) reduce(s *kernel.Reduce) {
	name, v := p.name(s.Name), p.name(s.Var)
	start := map[kernel.ReduceOp]float32{kernel.Sum: 0, kernel.Max: float32(math.Inf(-1))}[s.Op]
	p.line("float %s = %s;", name, floatText(start, 0))
	value := p.expr(s.Value, precedence["add"]+1)
	step := fmt.Sprintf("%s += %s;", name, value)
	if s.Op == kernel.Max {
		step = fmt.Sprintf("%s = fmaxf(%s, %s);", name, name, p.expr(s.Value, 0))
	}
	turns := p.unroll(kernel.I(0), s.N, kernel.I(1), p.sharers(p.scope != lane, false), nil)
	head := fmt.Sprintf("for (int %s = 0; %s < %s; %s += 1)", v, v, p.ints(s.N), v)
	if p.scope != lane {
		head = p.shared(v, p.ints(s.N), s.N, turns)
	}
	p.line("%s %s", head, step)
	switch p.scope {
	case group:
		p.line("%s = %s_group<%d>(%s, memory%s);", name, s.Op, p.threads, name, p.place())
	case team:
		p.line("%s = %s_team(%s);", name, s.Op, name)
	}
}

// place is the last argument of a function that must know which thread calls it.
func (p *printer) place() string {
	if p.emitter.d.Place == "" {
		return ""
	}
	return ", " + p.emitter.d.Place
}

// rowElems is the length of the rows of a weight in fragments.
func (p *printer) rowElems(buf string) int64 {
	for i, b := range p.k.Bufs {
		if b.Name == buf && p.o.RowElems != nil {
			return p.o.RowElems(p.index, i)
		}
	}
	p.fail("the rows of %s have no known length", buf)
	return 1
}
