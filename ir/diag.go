package ir

import (
	"fmt"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/dim"
)

// Diag is one thing wrong with a graph. It prints as
//
//	models/llama.go:142: layers.0.attn.masked: add: axis kv differs [add.2]
//	    scores  f32[head=32, q=S, kv=P+S]
//	    mask    f32[         q=S, kv=S  ]
//	    S is P+S only while P = 0; with S=5, P=2: 5 against 7
//	    hint: mask covers the new tokens only; build it over kv=P+S
type Diag struct {
	Pos  Position
	Path string // the value
	Op   string
	Rule int    // number of the op's constraint, 0 for a rule of the graph
	What string // "axis kv differs"
	Rows []Row  // the types concerned, printed one below the other
	Why  string // when it goes wrong: a counterexample
	Hint string

	Counter map[string]int64 // the counterexample's values, nil without one
}

// Axes are the axes of all rows, in an order that has the same axis below one another.
func (d *Diag) Axes() []string { return axisOrder(d.Rows) }

// Row is a named type in a diagnostic.
type Row struct {
	Label string
	Type  Type
}

// Errors are the diagnostics of a graph, in the order of its nodes.
type Errors []*Diag

func (e Errors) Error() string {
	var b strings.Builder
	for i, d := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// Err is nil when there are none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (d *Diag) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: ", d.Pos, d.Path)
	if d.Op != "" {
		b.WriteString(d.Op + ": ")
	}
	b.WriteString(d.What)
	if d.Rule > 0 {
		fmt.Fprintf(&b, " [%s.%d]", d.Op, d.Rule)
	}
	for _, l := range align(d.Rows) {
		b.WriteString("\n    " + l)
	}
	if d.Why != "" {
		b.WriteString("\n    " + d.Why)
	}
	if d.Hint != "" {
		b.WriteString("\n    hint: " + d.Hint)
	}
	return b.String()
}

// align prints types so that axes of the same name stand below one another.
func align(rows []Row) []string {
	order := axisOrder(rows)
	width := map[string]int{}
	label, head := 0, 0
	for _, r := range rows {
		label = max(label, len(r.Label))
		head = max(head, len(headOf(r.Type)))
		for _, a := range r.Type.Axes {
			width[a.Name] = max(width[a.Name], len(a.String()))
		}
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		if len(rows) == 1 { // nothing to align, and an axis that occurs twice shows
			out[i] = fmt.Sprintf("%-*s  %s", label, r.Label, r.Type)
			continue
		}
		out[i] = fmt.Sprintf("%-*s  %-*s[%s]", label, r.Label, head, headOf(r.Type), cells(r.Type, order, width))
		if r.Type.From != nil {
			out[i] += " from " + r.Type.From.String()
		}
	}
	return out
}

func headOf(t Type) string {
	if t.State {
		return "state " + t.DType.String()
	}
	return t.DType.String()
}

// cells prints a type's axes in columns; a column that the type lacks is blank, and so are separators beside blanks.
func cells(t Type, order []string, width map[string]int) string {
	var b strings.Builder
	left := len(t.Axes)
	for i, name := range order {
		cell := ""
		if a, ok := t.Axis(name); ok {
			cell = a.String()
			if left--; left > 0 {
				cell += ","
			}
		}
		w := width[name] + 2
		if i == len(order)-1 {
			w -= 2
		}
		fmt.Fprintf(&b, "%-*s", w, cell)
	}
	return b.String()
}

// axisOrder merges the axis orders of the rows: the longest row's, with strange axes put where they stand in their own row.
func axisOrder(rows []Row) []string {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int { return len(b.Type.Axes) - len(a.Type.Axes) })
	var order []string
	for _, r := range sorted {
		at := 0
		for _, a := range r.Type.Axes {
			if i := slices.Index(order, a.Name); i >= 0 {
				at = i + 1
				continue
			}
			order = slices.Insert(order, at, a.Name)
			at++
		}
	}
	return order
}

// whyNotEqual explains a failed proof that x and y are equal.
func whyNotEqual(x, y dim.Dim, p dim.Proof, b *dim.Bounds) string {
	if p.Verdict == dim.Unknown {
		return fmt.Sprintf("%s = %s is neither proved nor refuted by the graph's bounds", x, y)
	}
	if len(x.Symbols()) == 0 && len(y.Symbols()) > 0 {
		x, y = y, x // "P is 0 only while", not "0 is P"
	}
	xv, _ := x.Eval(p.Counter)
	yv, _ := y.Eval(p.Counter)
	if len(x.Symbols())+len(y.Symbols()) == 0 {
		return fmt.Sprintf("%d against %d", xv, yv)
	}
	s := ""
	if only := onlyWhile(x.Sub(y)); never(x, y, b) {
		s = fmt.Sprintf("%s is never %s; ", x, y)
	} else if only != "" {
		s = fmt.Sprintf("%s is %s only while %s; ", x, y, only)
	}
	if env := envString(p.Counter, b); env != "" {
		s += "with " + env + ": "
	}
	return fmt.Sprintf("%s%d against %d", s, xv, yv)
}

// never reports that x and y differ for every allowed value.
func never(x, y dim.Dim, b *dim.Bounds) bool {
	one := dim.Const(1)
	return b.GreaterEqual(x.Sub(y), one).Verdict == dim.Proved || b.GreaterEqual(y.Sub(x), one).Verdict == dim.Proved
}

// onlyWhile says for which values a difference is zero: "P = 0", or "" when there are none worth saying.
func onlyWhile(d dim.Dim) string {
	syms := d.Symbols()
	if len(syms) != 1 {
		return ""
	}
	k, c := d.Coef(syms[0]), d.Offset()
	if c%k != 0 {
		return ""
	}
	return fmt.Sprintf("%s = %d", syms[0], -c/k)
}

// envString prints an assignment in the order of declaration: "S=5, P=2".
func envString(env map[string]int64, b *dim.Bounds) string {
	var parts []string
	for _, s := range b.Declared() {
		if v, ok := env[s]; ok {
			parts = append(parts, fmt.Sprintf("%s=%d", s, v))
		}
	}
	return strings.Join(parts, ", ")
}
