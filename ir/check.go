package ir

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Infer computes every node's type from its op's constraints, and returns all that is wrong.
func Infer(g *Graph) error {
	errs := checkBounds(g)
	for _, n := range g.Nodes {
		errs = append(errs, inferNode(g, n)...)
	}
	return errs.Err()
}

// inferNode types one node. A node that reads an invalid value is left invalid without a word: the cause has been told.
func inferNode(g *Graph, n *Node) Errors {
	c := &Check{G: g, Node: n}
	if g.Table[n.Op.Name] == nil {
		c.fail(0, "unknown op", nil, "", "")
		return c.errs
	}
	if err := n.Op.checkAttrs(n.Attrs); err != nil {
		c.fail(0, err.Error(), nil, "", "")
	}
	if len(n.In) != len(n.Op.Args) {
		c.fail(0, operandCount(n), nil, "", "")
	}
	for i, in := range n.In {
		if in == nil {
			c.fail(0, fmt.Sprintf("operand %d is no value", i+1), nil, "", "")
		}
		if in == nil || !in.Type.Valid() {
			if n.Op.Infer != nil {
				n.Type = Type{}
			}
			return c.errs
		}
		c.In = append(c.In, in.Type)
	}
	if len(c.errs) > 0 {
		n.Type = Type{}
		return c.errs
	}
	declared := n.Type
	if n.Op.Infer != nil {
		n.Type = n.Op.Infer(c)
	}
	c.checkType(declared)
	return c.errs
}

func operandCount(n *Node) string {
	s := fmt.Sprintf("operands: %d, want %d", len(n.In), len(n.Op.Args))
	if len(n.Op.Args) > 0 {
		s += " (" + strings.Join(n.Op.Args, ", ") + ")"
	}
	return s
}

// checkType holds the result against the rules every type obeys, and against what the text declared.
func (c *Check) checkType(declared Type) {
	t := c.Node.Type
	if !t.Valid() {
		if len(c.errs) == 0 {
			c.fail(0, "has no type", nil, "", "a leaf needs one: name: f32[axis=extent] = "+c.Node.Op.Name+"()")
		}
		return
	}
	for i, a := range t.Axes {
		if what := c.badAxis(a); what != "" {
			c.fail(0, what, []Row{{c.label(), t}}, "", "")
			c.Node.Type = Type{}
		}
		if t.Index(a.Name) < i {
			if len(c.errs) == 0 { // else the op has told
				c.fail(0, "axis "+a.Name+" occurs twice", []Row{{c.label(), t}}, "", "rename one of them first")
			}
			c.Node.Type = Type{}
		}
	}
	if s := undeclared(c.G, t.From); s != "" {
		c.fail(0, fmt.Sprintf("the first position uses symbol %s, which the graph does not declare", s), []Row{{c.label(), t}}, "", "")
		c.Node.Type = Type{}
	}
	if declared.Valid() && c.Node.Op.Infer != nil && len(c.errs) == 0 && !declared.Same(t) && !c.sameType(declared, t) {
		c.fail(0, "the declared type is not the inferred one", []Row{{"declared", declared}, {"inferred", t}}, "", "")
	}
}

// badAxis says what no extent may be, or "".
func (c *Check) badAxis(a Axis) string {
	if !isName(a.Name) {
		return fmt.Sprintf("axis %q has a name that the text form cannot hold: letters, digits, _ and .", a.Name)
	}
	if err := a.Dim.Err(); err != nil {
		return fmt.Sprintf("the extent of axis %s is invalid: %v", a.Name, err)
	}
	if s := undeclared(c.G, &a.Dim); s != "" {
		return fmt.Sprintf("axis %s uses symbol %s, which the graph does not declare", a.Name, s)
	}
	if p := c.G.Bounds.GreaterEqual(a.Dim, dim.Const(0)); p.Verdict != dim.Proved {
		return fmt.Sprintf("the extent of axis %s may be negative", a.Name)
	}
	return ""
}

// sameType compares types up to proved equality of extents.
func (c *Check) sameType(a, b Type) bool {
	if a.State != b.State || a.DType != b.DType || len(a.Axes) != len(b.Axes) || (a.From == nil) != (b.From == nil) {
		return false
	}
	for i := range a.Axes {
		if a.Axes[i].Name != b.Axes[i].Name || !c.Holds(a.Axes[i].Dim, b.Axes[i].Dim) {
			return false
		}
	}
	return a.From == nil || c.Holds(*a.From, *b.From)
}

// undeclared returns a symbol of d that the graph does not declare, or "".
func undeclared(g *Graph, d *dim.Dim) string {
	if d == nil {
		return ""
	}
	declared := g.Bounds.Declared()
	for _, s := range d.Symbols() {
		if !slices.Contains(declared, s) {
			return s
		}
	}
	return ""
}

// Check is what an op's Infer sees: the operand types, and the ways to demand something of them.
type Check struct {
	G    *Graph
	Node *Node
	In   []Type
	errs Errors
}

// refuted is fail with the values that a proof found against the constraint, if any.
func (c *Check) refuted(p dim.Proof, rule int, what, why, hint string) {
	c.fail(rule, what, c.rows(), why, hint)
	c.errs[len(c.errs)-1].Counter = p.Counter
}

// fail reports a violated constraint.
func (c *Check) fail(rule int, what string, rows []Row, why, hint string) {
	c.errs = append(c.errs, &Diag{
		Pos: c.Node.Pos, Path: c.Node.Name, Op: c.Node.Op.Name, Rule: rule, What: what, Rows: rows, Why: why, Hint: hint,
	})
}

// Fail reports that constraint rule does not hold, showing all operands.
func (c *Check) Fail(rule int, hint, format string, args ...any) {
	c.fail(rule, fmt.Sprintf(format, args...), c.rows(), "", hint)
}

// Wrong reports that constraint rule does not hold of a leaf, which has no operands to show.
func (c *Check) Wrong(rule int, hint, format string, args ...any) {
	c.fail(rule, fmt.Sprintf(format, args...), nil, "", hint)
}

// OK is true while nothing was reported of this node.
func (c *Check) OK() bool { return len(c.errs) == 0 }

func (c *Check) rows() []Row {
	rows := make([]Row, len(c.In))
	for i, t := range c.In {
		rows[i] = Row{c.Label(i), t}
	}
	return rows
}

// Label is what a diagnostic calls operand i: the last part of its path.
func (c *Check) Label(i int) string { return lastPart(c.Node.In[i].Name) }

func (c *Check) label() string { return lastPart(c.Node.Name) }

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// Axis demands that operand i has an axis.
func (c *Check) Axis(rule, i int, name string) (Axis, bool) {
	a, ok := c.In[i].Axis(name)
	if !ok {
		c.Fail(rule, "", "%s has no axis %s", c.Label(i), name)
	}
	return a, ok
}

// Holds reports that two dims are equal for every allowed value of the symbols.
func (c *Check) Holds(x, y dim.Dim) bool { return c.G.Bounds.Equal(x, y).Verdict == dim.Proved }

// SameExtent demands that operands i and j agree on an axis that both have.
func (c *Check) SameExtent(rule, i, j int, axis string) bool {
	a, _ := c.In[i].Axis(axis)
	b, _ := c.In[j].Axis(axis)
	p := c.G.Bounds.Equal(a.Dim, b.Dim)
	if p.Verdict == dim.Proved {
		return true
	}
	x, y := a.Dim, b.Dim
	if len(x.Symbols()) > len(y.Symbols()) {
		x, y = y, x // "S is P+S only while": the simpler one first
	}
	c.refuted(p, rule, "axis "+axis+" differs", whyNotEqual(x, y, p, &c.G.Bounds), c.extentHint(i, j, axis))
	return false
}

// extentHint knows the commonest cause: one side covers only the new tokens, the other the past ones too.
func (c *Check) extentHint(i, j int, axis string) string {
	if c.G.Step == nil {
		return ""
	}
	all := c.G.Step.New.Add(c.G.Step.Past)
	for range 2 {
		a, _ := c.In[i].Axis(axis)
		b, _ := c.In[j].Axis(axis)
		if a.Dim.Same(c.G.Step.New) && b.Dim.Same(all) {
			return fmt.Sprintf("%s covers the new tokens only; build it over %s=%s", c.Label(i), axis, all)
		}
		i, j = j, i
	}
	return ""
}

// Extent demands that an extent (what: "axis dim of x") equals a dim that an attribute or another type gives.
func (c *Check) Extent(rule int, what string, got, want dim.Dim, hint string) bool {
	p := c.G.Bounds.Equal(got, want)
	if p.Verdict == dim.Proved {
		return true
	}
	c.refuted(p, rule, fmt.Sprintf("%s is %s, want %s", what, got, want), whyNotEqual(got, want, p, &c.G.Bounds), hint)
	return false
}

// AtMost demands lo <= hi.
func (c *Check) AtMost(rule int, what string, lo, hi dim.Dim, hint string) bool {
	p := c.G.Bounds.GreaterEqual(hi, lo)
	if p.Verdict == dim.Proved {
		return true
	}
	why := fmt.Sprintf("%s <= %s is neither proved nor refuted by the graph's bounds", lo, hi)
	if p.Verdict == dim.Refuted {
		l, _ := lo.Eval(p.Counter)
		h, _ := hi.Eval(p.Counter)
		why = fmt.Sprintf("%d over %d", l, h)
		if env := envString(p.Counter, &c.G.Bounds); env != "" && len(lo.Symbols())+len(hi.Symbols()) > 0 {
			why = "with " + env + ": " + why
		}
	}
	may := "may exceed"
	if _, ok := lo.Sub(hi).Const(); ok {
		may = "exceeds"
	}
	c.refuted(p, rule, fmt.Sprintf("%s is %s, which %s %s", what, lo, may, hi), why, hint)
	return false
}

// Float demands that operand i is a tensor of a floating type; a weight type is one.
func (c *Check) Float(rule int, operands ...int) bool {
	ok := true
	for _, i := range operands {
		t := c.In[i]
		if t.State || !t.DType.Row().Weight {
			c.Fail(rule, "", "%s is %s, want a tensor of floats", c.Label(i), headOf(t))
			ok = false
		}
	}
	return ok
}

// Positions demands that operand i is of positions, not of integers and not of what derives from positions.
func (c *Check) Positions(rule, i int) bool {
	if t := c.In[i]; t.From == nil || t.DType != kernel.Pos || len(t.Axes) != 1 {
		c.Fail(rule, "positions come from the op positions, which ties them to the step", "%s is %s, want positions", c.Label(i), headOf(c.In[i]))
		return false
	}
	return true
}

// StartsAtPast demands that positions, or the positions that operand i derives from, are those of the step's new tokens.
func (c *Check) StartsAtPast(rule, i int) bool {
	if c.In[i].From == nil {
		return c.Positions(rule, i)
	}
	if c.G.Step == nil {
		c.Fail(rule, "declare: step S after P", "the graph declares no step, so no position is known")
		return false
	}
	from, past := *c.In[i].From, c.G.Step.Past
	p := c.G.Bounds.Equal(from, past)
	if p.Verdict == dim.Proved {
		return true
	}
	c.refuted(p, rule, fmt.Sprintf("positions start at %s, but the new tokens start at %s", from, past),
		whyNotEqual(from, past, p, &c.G.Bounds), "use positions {from="+past.String()+"}: they must not start again behind a cached past")
	return false
}
