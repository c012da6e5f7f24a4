package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
)

type opsCmd struct {
	Name     string `arg:"" optional:"" help:"An op to describe, with its constraints and an example; all in short unless given."`
	Markdown bool   `help:"Print the whole table as Markdown, which is ir/op/OPS.md."`
}

func (c *opsCmd) Run(e *env) error {
	switch {
	case c.Markdown && c.Name != "":
		return usageError{fmt.Errorf("--markdown prints all ops, and %s is one: give one of the two", c.Name)}
	case c.Markdown:
		_, err := io.WriteString(e.stdout, opsMarkdown(op.Rows))
		return err
	case c.Name != "":
		o := op.Table[c.Name]
		if o == nil {
			return fmt.Errorf("there is no op %s: llorch ops lists them", c.Name)
		}
		_, err := io.WriteString(e.stdout, opText(o))
		return err
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, o := range op.Rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", o.Name, o.Class, o.Doc)
	}
	return tw.Flush()
}

// signature is how an op is written in a graph's text.
func signature(o *ir.Op) string {
	s := o.Name + "(" + strings.Join(o.Args, ", ") + ")"
	var attrs []string
	for _, a := range o.Attrs {
		attrs = append(attrs, a.Name+"="+attrForms[a.Kind])
		if a.Kind == ir.AttrWord {
			attrs[len(attrs)-1] = a.Name + "=" + strings.Join(a.Words, "|")
		}
	}
	if len(attrs) > 0 {
		s += " {" + strings.Join(attrs, ", ") + "}"
	}
	return s
}

// attrForms is how attributes of a kind are written.
var attrForms = map[ir.AttrKind]string{
	ir.AttrAxis: "AXIS", ir.AttrAxes: "[AXIS=DIM, ...]", ir.AttrNames: "[AXIS, ...]", ir.AttrDim: "DIM", ir.AttrFloat: "NUMBER",
	ir.AttrFloats: "[NUMBER, ...]", ir.AttrDType: "TYPE",
}

func opText(o *ir.Op) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s: %s\n", signature(o), o.Class, o.Doc)
	for i, c := range o.Constraints {
		fmt.Fprintf(&b, "  [%s.%d] %s\n", o.Name, i+1, c)
	}
	if len(o.Cases) > 0 {
		fmt.Fprintf(&b, "\n%s\n", o.Cases[0].Text)
	}
	return b.String()
}

func opsMarkdown(rows []*ir.Op) string {
	var b strings.Builder
	b.WriteString("# Ops\n\nMade by `llorch ops --markdown` from the table in `ir/op`. A diagnostic ends with the number of the constraint that does not hold.\n")
	for _, o := range rows {
		fmt.Fprintf(&b, "\n## %s\n\n`%s` (%s): %s.\n", o.Name, signature(o), o.Class, o.Doc)
		if len(o.Constraints) > 0 {
			b.WriteString("\n")
		}
		for i, c := range o.Constraints {
			fmt.Fprintf(&b, "- `%s.%d` %s\n", o.Name, i+1, c)
		}
	}
	return b.String()
}
