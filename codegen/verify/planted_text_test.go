package verify_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// These tests plant mistakes in the text that a target emits, as someone who edits the emitter would: verification has to name the kernel
// that has one, at its line.

// language is a target whose text gets mistakes.
type language struct {
	*setup
	compiled   *codegen.Compiled
	text       *mutant.Text
	file       string                         // the name of that text
	functionOf func(k *runtime.Kernel) string // the function that a kernel is
	same       []reason
	refused    func(source string) []int // lines that do not compile
	engine     func(t *testing.T, source string, c *codegen.Compiled) (runtime.Engine, error)
}

// reason says why mistakes change no value: those of a rule, in functions that begin so, at places that a pattern matches; "" stands for
// any. A place is a line with what becomes something else in «».
type reason struct{ rule, function, place, why string }

func (r *reason) covers(m mutant.Mistake) bool {
	return strings.HasPrefix(m.Rule, r.rule) && strings.HasPrefix(m.Function, r.function) && regexp.MustCompile(r.place).MatchString(m.Place)
}

// tally is what came of mistakes.
type tally struct {
	sync.Mutex
	planted, refused, unused, byValue, byFault, bySession int
	same                                                  map[string]int // by reason
	found                                                 map[string]int // by value, by function
}

// plantable is a model for many mistakes: its steps have few tokens, as many as fit a chunk and the context, there are several heads of
// keys, and rows are longer than a team has lanes.
func plantable(t testing.TB, name, target string) (*setup, *codegen.Compiled) {
	w := weights[name]
	c := small(w.w)
	o := verify.Options{Prompt: []int32{3, 1, 4, 1, 5}, Decode: 1}
	c.Context = o.Context()
	if w.w.Row().Elems == 1 {
		c.Embd, c.FFN, c.HeadDim, c.Rope.Width = 40, 45, 36, 36
	} else {
		c.Heads, c.KVHeads = 4, 2
	}
	s := setupOf(t, c, w.w, w.kv, o)
	return s, s.compile(t, codegen.Options{Target: target, Chunk: len(o.Prompt)})
}

// plantedModels are those that mistakes are planted in the kernels of.
func plantedModels() []string {
	if os.Getenv("LLORCH_MUTANTS") == "" {
		return []string{"q8_0"}
	}
	return []string{"q8_0", "f32"}
}

// mistakes are all, where LLORCH_MUTANTS is set, or else n of each function that are likely to change values.
func (l *language) mistakes(n int) []mutant.Mistake {
	var ms []mutant.Mistake
	for _, name := range l.text.Functions() {
		if strings.HasSuffix(name, "Groups") || strings.HasSuffix(name, "Scratch") { // of Go: sizes, which TestMutants has mistakes in
			continue
		}
		all := l.text.Mistakes(name)
		if os.Getenv("LLORCH_MUTANTS") == "" {
			all = some(slices.DeleteFunc(all, func(m mutant.Mistake) bool { return !m.OfValue() }), n)
		}
		ms = append(ms, all...)
	}
	return ms
}

// batch is a source with mistakes that compile.
type batch struct {
	*mutant.Planted
	mistakes []mutant.Mistake
	refused  int
}

// plant leaves out what the compiler refuses.
func (l *language) plant(t *testing.T, ms []mutant.Mistake) *batch {
	b := &batch{l.text.Plant(ms), ms, 0}
	for {
		lines := l.refused(b.Source)
		if len(lines) == 0 {
			return b
		}
		bad := map[int]bool{}
		for _, n := range lines {
			bad[b.At(n)] = true
		}
		require.NotContains(t, bad, -1, "without mistakes it does not compile: %v", lines)
		var rest []mutant.Mistake
		for i, m := range b.mistakes {
			if !bad[i] {
				rest = append(rest, m)
			}
		}
		b = &batch{l.text.Plant(rest), rest, b.refused + len(bad)}
	}
}

// run verifies the model with each mistake of a batch.
func (l *language) run(t *testing.T, b *batch, sum *tally) {
	sum.planted, sum.refused = sum.planted+len(b.mistakes)+b.refused, sum.refused+b.refused
	t.Run("", func(t *testing.T) {
		for i := range b.mistakes {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				l.verify(t, b, i, sum)
			})
		}
	})
}

// with is the compiled model with mistake i, and the functions that have it.
func (l *language) with(b *batch, i int) (*codegen.Compiled, []string) {
	c, p, target := *l.compiled, *l.compiled.Program, *l.compiled.Target
	c.Program, c.Target, p.Kernels = &p, &target, slices.Clone(p.Kernels)
	source := b.Source
	var names []string
	for k := range p.Kernels {
		function := l.functionOf(&p.Kernels[k])
		name, ok := b.Renamed(i, function)
		if !ok {
			continue
		}
		names = append(names, name)
		p.Kernels[k].Name = name
		source = strings.ReplaceAll(source, "Run: "+function+"}", "Run: "+name+"}") // in Go's table
	}
	target.Sources = func(*runtime.Program, []*kernel.Kernel) (map[string][]byte, error) {
		return map[string][]byte{l.file: []byte(source)}, nil
	}
	return &c, names
}

func (l *language) verify(t *testing.T, b *batch, i int, sum *tally) {
	m := b.mistakes[i]
	c, names := l.with(b, i)
	if len(names) == 0 {
		sum.add(func() { sum.unused++ })
		return
	}
	e, err := l.engine(t, b.Source, c)
	require.NoError(t, err)
	r, err := l.ref.Check(t.Context(), verify.Target{Compiled: c, Engine: e, Device: "test"})
	require.NoError(t, err)
	_ = e.Close() // a fault is its error, too
	switch f := r.First; {
	case r.Passed:
		why := slices.IndexFunc(l.same, func(x reason) bool { return x.covers(m) })
		require.GreaterOrEqual(t, why, 0, "not found: %s", m)
		sum.add(func() { sum.same[l.same[why].why]++ })
	case f == nil:
		t.Errorf("no node is named: %s\n%+v", m, r.Sessions)
	default:
		require.NotEmpty(t, f.Node)
		places := append(slices.Clone(f.Before), f.Place)
		at := slices.IndexFunc(places, func(p verify.Place) bool { return slices.Contains(names, p.Kernel) })
		require.GreaterOrEqual(t, at, 0, "%v: %s: %s", names, m, f)
		var line int
		_, err := fmt.Sscanf(places[at].Source, l.file+":%d", &line)
		require.NoError(t, err, "%s: %s", m, f)
		require.Contains(t, strings.Split(b.Source, "\n")[line-1], " "+places[at].Kernel+"(")
		sum.add(func() { sum.enter(r, m) })
	}
}

func (s *tally) add(f func()) {
	s.Lock()
	defer s.Unlock()
	f()
}

// enter counts a mistake that was found.
func (s *tally) enter(r *verify.Report, m mutant.Mistake) {
	switch {
	case r.First.Of == verify.OfEngine:
		s.byFault++
	case len(r.Sessions) > 0:
		s.bySession++
	default:
		s.byValue++
		s.found[m.Function]++
	}
}

// sums prints a tally, and demands that a value gave away each kernel.
func (l *language) sums(t *testing.T, sum *tally) {
	t.Logf("%d mistakes, %d of them in what no kernel calls: %d do not compile, %d are found by a value, %d by a value after a session had failed, %d by a fault",
		sum.planted, sum.unused, sum.refused, sum.byValue, sum.bySession, sum.byFault)
	for why, n := range sum.same {
		t.Logf("%d change nothing: %s", n, why)
	}
	for i := range l.compiled.Program.Kernels {
		require.Positive(t, sum.found[l.functionOf(&l.compiled.Program.Kernels[i])], l.compiled.Program.Kernels[i].Name)
	}
}

func newTally() *tally { return &tally{same: map[string]int{}, found: map[string]int{}} }
