package bench

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// DecodeBytes is how many bytes of weights a decode step of p reads: for each launch the whole of each weight, or its rows
// that the step's token selects.
func DecodeBytes(p *runtime.Program) (int64, error) {
	s := p.Step(runtime.Decode)
	if s == nil {
		return 0, fmt.Errorf("the program has no step %s", runtime.Decode)
	}
	kernels := make([]reads, len(p.Kernels))
	total := int64(0)
	for i := range s.Launches {
		l := &s.Launches[i]
		if l.Kernel < 0 || l.Kernel >= len(p.Kernels) {
			return 0, fmt.Errorf("launch %d (%s): kernel %d of %d", i, l.Node, l.Kernel, len(p.Kernels))
		}
		if kernels[l.Kernel] == nil {
			k := &p.Kernels[l.Kernel]
			text, err := kernel.Parse(k.Text)
			if err != nil {
				return 0, fmt.Errorf("kernel %s: %w", k.Name, err)
			}
			kernels[l.Kernel] = readsOf(text)
		}
		n, err := kernels[l.Kernel].bytes(p, l)
		if err != nil {
			return 0, fmt.Errorf("launch %d (%s): %w", i, l.Node, err)
		}
		total += n
	}
	return total, nil
}

// reads says what a kernel reads of each buffer, in binding order.
type reads []access

// bytes is how much of the weights a launch reads for one token.
func (r reads) bytes(p *runtime.Program, l *runtime.Launch) (int64, error) {
	if len(l.Bufs) != len(r) {
		return 0, fmt.Errorf("%d buffers for a kernel of %d", len(l.Bufs), len(r))
	}
	total := int64(0)
	for i, ref := range l.Bufs {
		if ref.Space != runtime.Weight {
			continue
		}
		if ref.Index < 0 || ref.Index >= len(p.Weights) {
			return 0, fmt.Errorf("weight %d of %d", ref.Index, len(p.Weights))
		}
		w := &p.Weights[ref.Index]
		switch r[i] {
		case whole:
			total += w.Bytes
		case selected:
			if len(w.Shape) == 0 || w.Shape[0] < 1 {
				return 0, fmt.Errorf("weight %s: a row of shape %v is read", w.Name, w.Shape)
			}
			total += w.Bytes / w.Shape[0]
		}
	}
	return total, nil
}

// access says what of a buffer a kernel reads.
type access uint8

const (
	none     access = iota
	selected        // a row, by an index that is data
	whole
)

// readsOf finds what k reads. An index is data when it comes from an integer buffer, through names too.
func readsOf(k *kernel.Kernel) reads {
	w := &walker{reads: map[string]access{}, data: map[string]bool{}}
	w.body(k.Body)
	r := make(reads, len(k.Bufs))
	for i, b := range k.Bufs {
		r[i] = w.reads[b.Name]
	}
	return r
}

type walker struct {
	reads map[string]access
	data  map[string]bool // names of scalars that are data, or computed from data
}

func (w *walker) body(stmts []kernel.Stmt) {
	for _, s := range stmts {
		switch s := s.(type) {
		case *kernel.Let:
			w.name(s.Name, s.Value)
		case *kernel.Store:
			w.expr(s.Index)
			w.expr(s.Value)
		case *kernel.For:
			w.name(s.Var, s.Lo)
			w.expr(s.Hi)
			w.body(s.Body)
		case *kernel.Join:
			w.body(s.Body)
		case *kernel.Reduce:
			w.expr(s.N)
			w.name(s.Name, s.Value)
		case *kernel.If:
			w.expr(s.Cond)
			w.body(s.Then)
			w.body(s.Else)
		case *kernel.Dot:
			w.read(s.W, s.WAt)
			w.read(s.X, s.XAt)
		case *kernel.Mix:
			w.read(s.W, s.WAt)
			w.read(s.X, s.XAt)
		case *kernel.Encode:
			w.read(s.X, s.XAt)
		}
	}
}

// name enters a scalar; no name is declared twice in one scope.
func (w *walker) name(name string, value kernel.Expr) { w.data[name] = w.expr(value) }

// expr enters what e reads, and reports whether its value is data.
func (w *walker) expr(e kernel.Expr) bool {
	switch e := e.(type) {
	case *kernel.Var:
		return w.data[e.Name]
	case *kernel.Load:
		w.read(e.Buf, e.Index)
		return e.T == kernel.Int
	case *kernel.Call:
		data := false
		for _, a := range e.Args {
			data = w.expr(a) || data
		}
		return data
	}
	return false
}

// read enters one place that reads buf from index on.
func (w *walker) read(buf string, index kernel.Expr) {
	how := whole
	if w.expr(index) {
		how = selected
	}
	w.reads[buf] = max(w.reads[buf], how)
}
