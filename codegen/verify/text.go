package verify

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text prints a report for people.
func (r *Report) Text(w io.Writer, nodes bool) error {
	fmt.Fprintf(w, "%s on %s (%s), llorch %s\n", r.Model, r.Target, r.Device, r.Compiler)
	verdict := "as the reference has them"
	if !r.Passed {
		verdict = "FAILED"
	}
	fmt.Fprintf(w, "%d values of %d steps: %s\n", r.Compared, len(r.Steps), verdict)
	if r.First != nil {
		fmt.Fprintf(w, "\n%s", r.First)
		if n := len(r.Findings) - 1; n > 0 {
			fmt.Fprintf(w, "  %d more are over their tolerance%s\n", n, r.others())
		}
	}
	for _, table := range []func(*tabwriter.Writer){r.steps, r.layers, r.kernels, r.sessions} {
		fmt.Fprintln(w)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		table(tw)
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	if !nodes {
		return nil
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	r.nodes(tw)
	return tw.Flush()
}

// others names the kernels of the other findings.
func (r *Report) others() string {
	var names []string
	seen := map[string]bool{"": true}
	for _, f := range r.Findings[1:] {
		if !seen[f.Kernel] {
			seen[f.Kernel] = true
			names = append(names, f.Kernel)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", of " + strings.Join(names, ", ")
}

// String is a finding as text, with lines of its own for what is known.
func (f *Finding) String() string {
	var b strings.Builder
	head := map[string]string{
		OfKernel: "is computed wrong", OfEngine: "is not computed", OfPasses: "is another value than in the model's own graph", OfLogits: "are too far off",
	}[f.Of]
	fmt.Fprintf(&b, "%s %s, in a %s\n", f.Node, head, f.Step)
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	if f.Layer != "" {
		line("layer", "%s", f.Layer)
	}
	if f.Node != "" {
		line("node", "%s: %s = %s, declared at %s", f.Node, f.Type, f.Op, f.Declared)
		for _, in := range f.Operands {
			line("", "of %s", in)
		}
	}
	if f.Kernel != "" {
		line("kernel", "%s, launch %d", f.Place, f.Launch)
		for _, p := range f.Before {
			line("", "of what %s left", p)
		}
	}
	if f.Message != "" {
		line("error", "%s", strings.ReplaceAll(f.Message, "\n", "\n            "))
	} else {
		line("error", "%s, want %s at most; %s absolute", short(f.Error), short(f.Tolerance), short(f.Abs))
		line("element", "[%s]: got %s, want %s", f.Element, long(f.Got), long(f.Want))
	}
	return b.String()
}

func (p Place) String() string {
	if p.Source == "" {
		return p.Kernel
	}
	return p.Kernel + ", " + p.Source
}

func short(n Number) string { return fmt.Sprintf("%.1e", float64(n)) }
func long(n Number) string  { return fmt.Sprintf("%.7g", float64(n)) }

// total prints an error against the model's own graph, where there is one.
func total(n Number) string {
	if n < 0 {
		return "-"
	}
	return short(n)
}

func (r *Report) steps(w *tabwriter.Writer) {
	fmt.Fprintf(w, "step\tworst node\tof\tlogits\tat most\tkernels\n")
	for _, s := range r.Steps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.0f us\n", s.Name, short(s.Error), s.Of, short(s.Logits), short(s.Tolerance), float64(s.Micros))
	}
}

func (r *Report) layers(w *tabwriter.Writer) {
	fmt.Fprintf(w, "layer\tworst node\tof\tin\twith all before it\n")
	for _, l := range r.Layers {
		name := l.Name
		if name == "" {
			name = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, short(l.Error), strings.TrimPrefix(l.Of, l.Name+"."), l.Step, total(l.Total))
	}
}

func (r *Report) kernels(w *tabwriter.Writer) {
	fmt.Fprintf(w, "kernel\tof\tlaunches\tmedian\tworst node\tof\n")
	for _, k := range r.Kernels {
		if k.Launches > 0 {
			fmt.Fprintf(w, "%s\t%s\t%d\t%.1f us\t%s\t%s\n", k.Name, strings.Join(k.Steps, ", "), k.Launches, float64(k.Micros), short(k.Error), k.Of)
		}
	}
}

func (r *Report) sessions(w *tabwriter.Writer) {
	if len(r.Sessions) == 0 {
		fmt.Fprintf(w, "sessions are not run: first things first\n")
		return
	}
	fmt.Fprintf(w, "session\t\tlogits\tat most\t\n")
	for _, s := range r.Sessions {
		verdict := "ok"
		if !s.Passed {
			verdict = "FAILED"
		}
		if s.Tolerance == 0 {
			fmt.Fprintf(w, "%s\t%s\t-\t-\t%s\n", s.Name, verdict, s.Note)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, verdict, short(s.Error), short(s.Tolerance), s.Note)
	}
}

// nodes has a line for each node, of the step in which it is furthest off, or of the first.
func (r *Report) nodes(w *tabwriter.Writer) {
	worst := map[string]Node{}
	var names []string
	for _, n := range r.Nodes {
		old, ok := worst[n.Name]
		if !ok {
			names = append(names, n.Name)
		}
		if !ok || n.Error > old.Error {
			worst[n.Name] = n
		}
	}
	fmt.Fprintf(w, "node\terror\tat most\twith all before it\ttime\tkernel\tin\n")
	for _, name := range names {
		n := worst[name]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1f us\t%s\t%s\n", n.Name, short(n.Error), short(n.Tolerance), total(n.Total), float64(n.Micros), n.Kernel, n.Step)
	}
}
