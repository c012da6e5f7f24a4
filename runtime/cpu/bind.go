package cpu

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// binder turns a program's launches into calls on memory.
type binder struct {
	program *runtime.Program
	kernels []boundKernel // by Launch.Kernel
	weights [][]byte      // by Ref.Index
	levels  []string      // that tiles may come from
	tiles   map[kernel.DType]*Tile
	arena   []byte
}

// boundKernel is a kernel's text, which its launches are checked against, and the code that runs it.
type boundKernel struct {
	text  *kernel.Kernel
	code  *Kernel
	tiled map[string]use // buffers that the code reaches through a tile
}

// use is what code asks of a buffer's tile.
type use struct {
	floats, encode bool
	acts           []string // the buffers of activations that it is multiplied with
}

func newBinder(p *runtime.Program, w runtime.Weights, lib Library, opt Options) (*binder, error) {
	levels, err := levelsFrom(opt.Level)
	if err != nil {
		return nil, err
	}
	if err := checkSizes(p); err != nil {
		return nil, err
	}
	b := &binder{program: p, levels: levels, tiles: lib.tiles(levels)}
	for i := range p.Kernels {
		k, err := bindKernel(&p.Kernels[i], lib, opt.Warn)
		if err != nil {
			return nil, fmt.Errorf("kernel %d (%s): %w", i, p.Kernels[i].Name, err)
		}
		b.kernels = append(b.kernels, k)
	}
	for i := range p.Weights {
		data, err := weightData(&p.Weights[i], w)
		if err != nil {
			return nil, fmt.Errorf("weight %s: %w", p.Weights[i].Name, err)
		}
		b.weights = append(b.weights, data)
	}
	arena := int64(0)
	for i := range p.Steps {
		arena = max(arena, p.Steps[i].Arena)
	}
	b.arena = alignedBytes(arena)
	return b, nil
}

// bindKernel finds k's code: the library's, or else the interpreter.
func bindKernel(k *runtime.Kernel, lib Library, warn func(string)) (boundKernel, error) {
	text, err := kernel.Parse(k.Text)
	if err != nil {
		return boundKernel{}, err
	}
	if err := kernel.Verify(text); err != nil {
		return boundKernel{}, err
	}
	if key := text.Key(); key != k.Key {
		return boundKernel{}, fmt.Errorf("its text has the key %s, not %s", key, k.Key)
	}
	if code := lib.Kernels[k.Key]; code != nil {
		return boundKernel{text, code, tiled(text)}, nil
	}
	if warn != nil {
		warn(fmt.Sprintf("kernel %s (key %s) is not among the built-in kernels and runs in the interpreter, slowly; compile --target go makes a package with all of its kernels", k.Name, k.Key))
	}
	code, err := interpreted(text)
	return boundKernel{text, code, nil}, err
}

// tiled lists what k's code asks of its buffers' tiles: weights are read by element at least.
func tiled(k *kernel.Kernel) map[string]use {
	uses := map[string]use{}
	acts := map[string]bool{}
	for _, b := range k.Bufs {
		if b.Role == kernel.Weight {
			uses[b.Name] = use{}
		}
		acts[b.Name] = b.DType.IsActs()
	}
	var walk func([]kernel.Stmt)
	walk = func(body []kernel.Stmt) {
		for _, s := range body {
			switch s := s.(type) {
			case *kernel.For:
				walk(s.Body)
			case *kernel.If:
				walk(s.Then)
				walk(s.Else)
			case *kernel.Dot:
				u := uses[s.W]
				if acts[s.X] {
					u.acts = append(u.acts, s.X)
				} else {
					u.floats = true
				}
				uses[s.W] = u
			case *kernel.Mix:
				u := uses[s.W]
				u.floats = true
				uses[s.W] = u
			case *kernel.Encode:
				uses[s.Buf] = use{encode: true}
			}
		}
	}
	walk(k.Body)
	return uses
}

// has reports that the tile can do what code asks of it alone.
func (t *Tile) has(u use) bool {
	return t != nil && (!u.floats || t.Dot != nil && t.Mix != nil) && (!u.encode || t.Encode != nil)
}

// checkActs checks that weights have tiles for the activations that a launch multiplies them with.
func (k *boundKernel) checkActs(bufs []Buffer) error {
	at := map[string]*Buffer{}
	for i := range bufs {
		at[k.text.Bufs[i].Name] = &bufs[i]
	}
	for name, u := range k.tiled {
		for _, x := range u.acts {
			if w, x := at[name], at[x]; w.Tile.dotActs(x.DType) == nil {
				return fmt.Errorf("buffer %s: no tile multiplies %s with activations of %s", name, w.DType, x.DType)
			}
		}
	}
	return nil
}

// weightData is t's bytes, of the right number and alignment.
func weightData(t *runtime.Tensor, w runtime.Weights) ([]byte, error) {
	data, err := w.Data(t)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != t.Bytes {
		return nil, fmt.Errorf("%d bytes of data, the program has %d", len(data), t.Bytes)
	}
	if row := rowOf(t.DType); !alignedTo(data, elemAlign(row)) {
		return nil, fmt.Errorf("its data does not begin at a multiple of %d bytes, which %s needs", elemAlign(row), t.DType)
	}
	return data, nil
}

// step binds s's launches.
func (b *binder) step(s *runtime.Step) (*step, error) {
	out := &step{spec: s, launches: make([]launch, len(s.Launches))}
	if err := b.ports(out); err != nil {
		return nil, err
	}
	for i := range s.Launches {
		spec := &s.Launches[i]
		l, err := b.launch(s, spec)
		if err != nil {
			return nil, fmt.Errorf("launch %d (%s): %w", i, spec.Node, err)
		}
		out.launches[i] = l
		for j := range spec.Bufs {
			if spec.Bufs[j].Space == runtime.State {
				out.states = append(out.states, stateUse{&l.args.Bufs[j], spec.Bufs[j].Index})
			}
		}
	}
	return out, nil
}

// launch binds one launch of step s.
func (b *binder) launch(s *runtime.Step, l *runtime.Launch) (launch, error) {
	if l.Kernel < 0 || l.Kernel >= len(b.kernels) {
		return launch{}, fmt.Errorf("kernel %d of %d", l.Kernel, len(b.kernels))
	}
	k := &b.kernels[l.Kernel]
	if err := b.checkCounts(k.text, l); err != nil {
		return launch{}, fmt.Errorf("kernel %s: %w", k.text.Name, err)
	}
	args := Args{Ints: make([]int, len(l.Ints)), Floats: l.Floats}
	for i := range l.Bufs {
		buf, err := b.buffer(s, &l.Bufs[i], k, &k.text.Bufs[i])
		if err != nil {
			return launch{}, fmt.Errorf("kernel %s: buffer %s: %w", k.text.Name, k.text.Bufs[i].Name, err)
		}
		args.Bufs = append(args.Bufs, buf)
	}
	if err := k.checkActs(args.Bufs); err != nil {
		return launch{}, fmt.Errorf("kernel %s: %w", k.text.Name, err)
	}
	return launch{spec: l, kernel: k.code, args: args}, nil
}

// buffer resolves a reference to memory. A state's memory comes with each step's cache.
func (b *binder) buffer(s *runtime.Step, ref *runtime.Ref, k *boundKernel, param *kernel.Buf) (Buffer, error) {
	if err := checkRole(ref, param); err != nil {
		return Buffer{}, err
	}
	if err := b.checkRange(s, ref); err != nil {
		return Buffer{}, err
	}
	buf := Buffer{DType: rowOf(ref.DType).DType}
	switch ref.Space {
	case runtime.Arena:
		buf.Data = b.arena[ref.Offset : ref.Offset+ref.Bytes : ref.Offset+ref.Bytes]
	case runtime.Weight:
		buf.Data = b.weights[ref.Index]
		if shape := b.program.Weights[ref.Index].Shape; len(shape) > 0 {
			buf.Row = int(shape[len(shape)-1])
		}
	}
	buf.Tile = b.tiles[buf.DType]
	if u, ok := k.tiled[param.Name]; ok && !buf.Tile.has(u) {
		return Buffer{}, fmt.Errorf("%s has dtype %s, which has no tile for this CPU (levels %v)", b.name(ref), ref.DType, b.levels)
	}
	return buf, nil
}

// name is what ref refers to, for errors.
func (b *binder) name(ref *runtime.Ref) string {
	switch ref.Space {
	case runtime.Weight:
		return "weight " + b.program.Weights[ref.Index].Name
	case runtime.State:
		return "state " + b.program.States[ref.Index].Name
	}
	return fmt.Sprintf("arena [%d, %d)", ref.Offset, ref.Offset+ref.Bytes)
}
