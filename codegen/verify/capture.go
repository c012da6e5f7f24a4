package verify

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/passes/lower"
	"github.com/llorch/llorch/runtime"
)

// capture is what the launches of a step left in memory.
type capture struct {
	values map[*ir.Node]value
	times  []time.Duration // of the launches that ended
}

// value is a node's, of the launch that wrote it.
type value struct {
	launch int
	dtype  kernel.DType // in memory
	data   []float64
}

// watch fills a capture with what each launch of a step writes.
func (t *target) watch(c *capture, launches []*lower.Launch, step *runtime.Step, env map[string]int64) func(runtime.Launched) error {
	return func(l runtime.Launched) error {
		lo := launches[l.Index]
		c.times = append(c.times, l.Time)
		for _, n := range lo.Writes {
			i := slices.Index(lo.Bufs, lower.Storage(n))
			if i < 0 {
				return fmt.Errorf("verify: %s is written to no buffer of its launch", n.Name)
			}
			v, err := t.read(n, step.Launches[l.Index].Bufs[i], l.Read, env)
			if err != nil {
				return fmt.Errorf("verify: reading %s: %w", n.Name, err)
			}
			v.launch = l.Index
			c.values[n] = v
		}
		return nil
	}
}

// read reads the value of n, which lies in an arena at r or, if it was appended to a state, in that.
func (t *target) read(n *ir.Node, r runtime.Ref, read func(runtime.Ref) ([]byte, error), env map[string]int64) (value, error) {
	v := value{}
	like, err := ir.NewArray(n.Type, env)
	if err != nil {
		return v, err
	}
	var ok bool
	if v.dtype, ok = kernel.ParseDType(r.DType); !ok {
		return v, fmt.Errorf("unknown dtype %q", r.DType)
	}
	if r.Space == runtime.State {
		b, err := read(r)
		if err != nil {
			return v, err
		}
		all, err := decode(v.dtype, b)
		if err != nil {
			return v, err
		}
		v.data, err = positions(&t.program.States[r.Index], all, like)
		return v, err
	}
	r.Bytes, err = v.dtype.RowBytes(int64(len(like.Data)))
	if err != nil {
		return v, err
	}
	b, err := read(r)
	if err == nil {
		v.data, err = decode(v.dtype, b)
	}
	return v, err
}

// positions picks the elements of a view of a state's first positions.
func positions(s *runtime.StateBuffer, all []float64, view *ir.Array) ([]float64, error) {
	if len(view.Dims) != len(s.Shape) {
		return nil, fmt.Errorf("%v of a state of %v", view.Dims, s.Shape)
	}
	strides, next := make([]int, len(s.Shape)), 1
	for i := len(s.Shape) - 1; i >= 0; i-- {
		strides[i] = next
		next *= int(s.Shape[i])
	}
	if next != len(all) {
		return nil, fmt.Errorf("%d elements of a state of %v", len(all), s.Shape)
	}
	out := make([]float64, len(view.Data))
	view.Each(func(i int, at []int) { out[i] = all[ir.Offset(at, strides)] })
	return out, nil
}

// decode widens memory of a type.
func decode(d kernel.DType, b []byte) ([]float64, error) {
	row := d.Row()
	if len(b)%row.Bytes != 0 || row.Rows != 1 {
		return nil, fmt.Errorf("%d bytes of %s", len(b), d)
	}
	out := make([]float64, len(b)/row.Bytes*row.Elems)
	if row.Decode == nil {
		for i := range out {
			if row.Bytes == 1 {
				out[i] = float64(b[i])
				continue
			}
			out[i] = float64(int32(binary.LittleEndian.Uint32(b[i*row.Bytes:])))
		}
		return out, nil
	}
	f := make([]float32, len(out))
	row.Decode(f, b)
	for i, v := range f {
		out[i] = float64(v)
	}
	return out, nil
}
