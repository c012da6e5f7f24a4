package lower_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

// TestBarriers traces every kernel of Llamas of all structures, and demands that lanes wait before they read group memory
// that others wrote, and before they overwrite what others read. The trace is an oracle apart from kernel.Barriers, which
// works on loops without unrolling them.
func TestBarriers(t *testing.T) {
	seen := map[string]bool{}
	for bits := range 1 << 5 {
		c := models.Config{
			Arch: "llama", Vocab: 32, Embd: 24, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8, FFN: 20, Context: 64, NormEps: 1e-5,
			Rope:     models.Rope{Theta: 10000, Width: 8, Style: "half"},
			AttnBias: bits&1 > 0, OutBias: bits&2 > 0, MLPBias: bits&4 > 0,
		}
		if bits&8 > 0 {
			c.Rope.Style = "interleaved"
		}
		if bits&16 > 0 {
			c.Rope.Width = 4
		}
		for _, kv := range []kernel.DType{kernel.F32, kernel.F16} {
			g := models.Llama(c, models.Options{KV: kv})
			sched := lower.CPU
			sched.Norms = true
			m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: 16, Sched: sched}
			require.NoError(t, passes.Run(m, "lower", nil))
			for _, g := range m.Graphs {
				for _, l := range m.Lowered[g] {
					if key := l.Kernel.Key(); !seen[key] {
						seen[key] = true
						require.NoError(t, kernel.Verify(l.Kernel))
						tr := newTrace(l.Kernel)
						tr.body(l.Kernel.Body)
						require.Empty(t, tr.races, "%s", l.Kernel)
						require.False(t, len(l.Kernel.Group) > 0 && len(tr.before) == 0, "group memory without a barrier:\n%s", l.Kernel)
					}
				}
			}
		}
	}
	require.Greater(t, len(seen), 20)
}

// TestTraceSeesRaces: the oracle finds a race in each kernel when its barriers are taken away.
func TestTraceSeesRaces(t *testing.T) {
	k, err := kernel.Parse(`func f(x in_f32, y out_f32, n int) {
	group(s, n)
	for i := range lanes(n) {
		s[i] = x[i]
	}
	for i := range lanes(n) {
		y[i] = s[n-1-i]
	}
}`)
	require.NoError(t, err)
	tr := newTrace(k)
	tr.body(k.Body)
	require.Empty(t, tr.races)
	tr = newTrace(k)
	tr.before = nil
	tr.body(k.Body)
	require.NotEmpty(t, tr.races)
}

// trace follows one way through a kernel, each loop twice around and each branch in turn, and keeps what was touched since
// the last barrier.
type trace struct {
	local         map[string]bool
	before        map[kernel.Stmt]bool
	reads, writes map[string]bool
	dots          map[string]bool // written by tiles, which write different parts
	races         []string
}

func newTrace(k *kernel.Kernel) *trace {
	tr := &trace{local: map[string]bool{}, before: kernel.Barriers(k), reads: map[string]bool{}, writes: map[string]bool{}, dots: map[string]bool{}}
	for _, l := range k.Group {
		tr.local[l.Name] = true
	}
	return tr
}

func (tr *trace) body(ss []kernel.Stmt) {
	for _, s := range ss {
		tr.stmt(s)
	}
}

func (tr *trace) stmt(s kernel.Stmt) {
	if tr.before[s] {
		clear(tr.reads)
		clear(tr.writes)
		clear(tr.dots)
	}
	reads, writes, dots := map[string]bool{}, map[string]bool{}, map[string]bool{}
	tr.touch(s, reads, writes, dots)
	for name := range reads {
		tr.race(tr.writes[name] || tr.dots[name], "reads "+name+" that others wrote", s)
	}
	for name := range writes {
		tr.race(tr.writes[name] || tr.dots[name] || tr.reads[name], "overwrites "+name, s)
	}
	for name := range dots {
		tr.race(tr.writes[name] || tr.reads[name], "overwrites "+name, s)
	}
	merge(tr.reads, reads)
	merge(tr.writes, writes)
	merge(tr.dots, dots)
	switch s := s.(type) {
	case *kernel.For:
		if !s.Lanes {
			tr.body(s.Body)
			tr.body(s.Body)
		}
	case *kernel.If:
		tr.body(s.Then)
		tr.body(s.Else)
	}
}

func merge(into, from map[string]bool) {
	for name := range from {
		into[name] = true
	}
}

func (tr *trace) race(is bool, what string, s kernel.Stmt) {
	if is {
		tr.races = append(tr.races, fmt.Sprintf("%T %s", s, what))
	}
}

// touch collects the group memory of a statement: with its body for a loop over lanes, else without.
func (tr *trace) touch(s kernel.Stmt, reads, writes, dots map[string]bool) {
	load := func(es ...kernel.Expr) {
		for _, e := range es {
			tr.loads(e, reads)
		}
	}
	switch s := s.(type) {
	case *kernel.Let:
		load(s.Value)
	case *kernel.Reduce:
		load(s.N, s.Value)
	case *kernel.Store:
		load(s.Index, s.Value)
		tr.mark(writes, s.Buf)
	case *kernel.Dot:
		load(s.AccAt, s.WAt, s.WStride, s.XAt, s.XStride, s.Rows, s.Cols, s.K)
		tr.mark(reads, s.W, s.X)
		tr.mark(dots, s.Acc)
	case *kernel.Mix:
		load(s.AccAt, s.WAt, s.WStride, s.XAt, s.XStride, s.Rows, s.Cols, s.K)
		tr.mark(reads, s.W, s.X, s.Acc)
		tr.mark(writes, s.Acc)
	case *kernel.For:
		load(s.Lo, s.Hi, s.Step)
		if s.Lanes {
			for _, inner := range s.Body {
				tr.touch(inner, reads, writes, dots)
			}
		}
	case *kernel.If:
		load(s.Cond)
	}
}

func (tr *trace) mark(set map[string]bool, names ...string) {
	for _, n := range names {
		if tr.local[n] {
			set[n] = true
		}
	}
}

func (tr *trace) loads(e kernel.Expr, reads map[string]bool) {
	switch e := e.(type) {
	case *kernel.Load:
		tr.mark(reads, e.Buf)
		tr.loads(e.Index, reads)
	case *kernel.Call:
		for _, a := range e.Args {
			tr.loads(a, reads)
		}
	}
}
