package clike

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/llorch/llorch/ir/kernel"
)

// Options are what the kernels of a program have in common.
type Options struct {
	Symbols []string         // in the order of their values in step memory
	Limits  map[string]Range // what they can be
	// RowElems is the length of the rows of a weight that lies in fragments.
	RowElems func(kernel, buf int) int64
	Past     string // the symbol of the tokens that earlier steps have left in State buffers, "" if there is none
	// Fixed is the size in bytes of a buffer that never changes while a model runs, though it is no Weight; 0 of others.
	Fixed func(kernel, buf int) int64
}

// Function says how a kernel is launched.
type Function struct {
	Name    string
	Threads int // of a group
	Shared  int // bytes of group memory
}

// Emit spells bound kernels, and says how each is launched.
func Emit(d *Dialect, o Options, ks []*kernel.Kernel) ([]byte, []Function, error) {
	e := &emitter{d: d, o: o, reserved: map[string]bool{}}
	for _, w := range d.Words {
		e.reserved[w] = true
	}
	var fns []Function
	var bodies []string
	for i, k := range ks {
		text, fn, err := e.kernel(i, k)
		if err != nil {
			return nil, nil, fmt.Errorf("target %s: %w", d.Name, err)
		}
		bodies = append(bodies, text)
		fns = append(fns, fn)
	}
	var out strings.Builder
	for _, name := range slices.Concat(d.Prelude, e.files) {
		if err := e.include(&out, name); err != nil {
			return nil, nil, err
		}
	}
	out.WriteString(strings.Join(slices.Concat(e.code, e.elements, bodies), "\n"))
	for _, name := range d.Tail {
		if err := e.include(&out, name); err != nil {
			return nil, nil, err
		}
	}
	return []byte(out.String()), fns, nil
}

// use adds files of device code, each once.
func (e *emitter) use(files []string) {
	for _, f := range files {
		if !slices.Contains(e.files, f) {
			e.files = append(e.files, f)
		}
	}
}

type emitter struct {
	d        *Dialect
	o        Options
	reserved map[string]bool
	files    []string // of the tiles in use
	code     []string // of their plans
	elements []string // functions that read weights of blocks
	counts   int      // places for Joins that are taken
}

func (e *emitter) include(out *strings.Builder, name string) error {
	text, err := fs.ReadFile(e.d.Files, name)
	if err != nil {
		return fmt.Errorf("target %s: %w", e.d.Name, err)
	}
	fmt.Fprintf(out, "// ---- %s ----\n%s\n", name, text)
	return nil
}

// kernel plans for the dialect's usual group, and again for another where a tile wants that.
func (e *emitter) kernel(i int, k *kernel.Kernel) (string, Function, error) {
	threads := e.d.Threads
	for {
		p := &planner{d: e.d, bufs: map[string]kernel.Buf{}, fixed: map[string]int64{}, threads: threads, plans: map[kernel.Stmt]*planned{}, attends: map[*kernel.For]*plannedLoop{}}
		for j, b := range k.Bufs {
			p.bufs[b.Name] = b
			if e.o.Fixed != nil && b.Role == kernel.In {
				p.fixed[b.Name] = e.o.Fixed(i, j)
			}
		}
		p.pair(k)
		narrowed, n, err := narrow(k, e.o.Limits, p.stmt, p.loop)
		if err != nil {
			return "", Function{}, err
		}
		want := threads
		for _, plan := range p.plans {
			want = max(want, plan.Threads)
		}
		if want != threads {
			threads = want
			continue
		}
		return e.print(i, narrowed, n, p)
	}
}

func (e *emitter) print(i int, k *kernel.Kernel, n *narrower, plans *planner) (string, Function, error) {
	var used names
	if e.d.Overlap {
		k = plans.own(k)
	}
	if e.d.Strict {
		k, used = trim(k)
	}
	p := &printer{emitter: e, k: k, index: i, planner: plans, barriers: kernel.Barriers(k), n: n, used: used, earlies: map[*kernel.For]map[string]string{}, taken: map[string]bool{}}
	text := p.kernel()
	if p.err != nil {
		return "", Function{}, fmt.Errorf("kernel %s: %w", k.Name, p.err)
	}
	if p.memory.size > e.d.Memory {
		return "", Function{}, fmt.Errorf("kernel %s: a group needs %d bytes of group memory, and there are %d", k.Name, p.memory.size, e.d.Memory)
	}
	for _, plan := range plans.ordered(k) {
		e.use(plan.tile.Files)
		if plan.Code != "" && !slices.Contains(e.code, plan.Code) {
			e.code = append(e.code, plan.Code)
		}
	}
	for _, plan := range plans.attends {
		e.use(plan.tile.Files)
	}
	return text, Function{Name: k.Name, Threads: plans.threads, Shared: p.memory.size}, nil
}
