package html

import (
	"strings"

	"github.com/llorch/llorch/ir"
)

// fault is a diagnostic for the template: its types one below the other, a column an axis.
type fault struct {
	Head, Pos, What, Why, Hint string
	Node                       string
	Differs                    string // the axes that do
	Axes                       []faultAxis
	Rows                       []faultRow
	json                       faultJSON
}

// faultJSON is what the scripts read: where the graph is to be marked.
type faultJSON struct {
	Node string   `json:"node"`
	In   []string `json:"in"`   // operands whose edges are at fault
	Axes []string `json:"axes"` // that differ
	What string   `json:"what"`
	Text string   `json:"text"`
}

type faultAxis struct {
	Name string
	Bad  bool
}

type faultRow struct {
	Label, Head string
	Operand     string // name of the value
	Cells       []faultCell
}

// faultCell is an extent: as the graph declares it, and the dim that the page evaluates; "" where the type lacks the axis.
type faultCell struct {
	Dim      string
	Symbolic bool
	At       int
	Bad      bool
}

func (p *Page) fault(d *ir.Diag) fault {
	f := fault{Pos: d.Pos.String(), Node: d.Path, What: d.What, Why: d.Why, Hint: d.Hint, json: faultJSON{Node: d.Path, In: []string{}, Axes: []string{}, What: d.What, Text: d.String()}}
	f.Head, _, _ = strings.Cut(d.String(), "\n")
	f.Head = strings.TrimPrefix(f.Head, f.Pos+": ")
	in := p.operands(d)
	axes := d.Axes()
	for _, name := range axes {
		f.Axes = append(f.Axes, faultAxis{name, differs(d.Rows, name)})
	}
	f.json.Axes = differing(f.Axes)
	f.Differs = strings.Join(f.json.Axes, ", ")
	for i, r := range d.Rows {
		row := faultRow{Label: r.Label, Head: r.Type.DType.String()}
		if r.Type.State {
			row.Head = "state " + row.Head
		}
		if r.Type.From != nil {
			row.Head += " from " + r.Type.From.String()
		}
		if i < len(in) && len(in) == len(d.Rows) {
			row.Operand = in[i]
			if len(in) == 1 || marked(d.Rows, i) {
				f.json.In = append(f.json.In, in[i])
			}
		}
		for _, a := range f.Axes {
			c := faultCell{Bad: a.Bad}
			if ax, ok := r.Type.Axis(a.Name); ok {
				c.Dim, c.Symbolic, c.At = ax.Dim.String(), len(ax.Dim.Symbols()) > 0, p.t.dim(ax.Dim)
			}
			row.Cells = append(row.Cells, c)
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

// operands are the names of the operands of the value that a diagnostic is about, if its rows are theirs.
func (p *Page) operands(d *ir.Diag) []string {
	at, ok := p.t.strings.at[d.Path]
	if !ok {
		return nil
	}
	for _, n := range p.t.nodes.rows {
		if n[0] != at || len(n)-5 != len(d.Rows) {
			continue
		}
		var in []string
		for i, s := range n[5:] {
			name := p.t.strings.rows[s]
			if name[strings.LastIndexByte(name, '.')+1:] != d.Rows[i].Label {
				return nil
			}
			in = append(in, name)
		}
		return in
	}
	return nil
}

func differing(axes []faultAxis) []string {
	names := []string{}
	for _, a := range axes {
		if a.Bad {
			names = append(names, a.Name)
		}
	}
	return names
}

// differs reports an axis that two rows have with extents that do not print alike.
func differs(rows []ir.Row, axis string) bool {
	seen := ""
	for _, r := range rows {
		a, ok := r.Type.Axis(axis)
		if !ok {
			continue
		}
		if seen != "" && seen != a.Dim.String() {
			return true
		}
		seen = a.Dim.String()
	}
	return false
}

// marked reports that row i takes part in a difference, or that there is none to tell the rows apart by.
func marked(rows []ir.Row, i int) bool {
	any := false
	for _, r := range rows {
		for _, a := range r.Type.Axes {
			if differs(rows, a.Name) {
				any = true
				if _, ok := rows[i].Type.Axis(a.Name); ok {
					return true
				}
			}
		}
	}
	return !any
}
