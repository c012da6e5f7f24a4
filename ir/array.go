package ir

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

// Array is a tensor's value in the reference evaluator: row-major in the order of its type's axes.
type Array struct {
	Axes []string
	Dims []int
	Data []float64
}

// NewArray makes a zero array of t's shape for the given symbol values.
func NewArray(t Type, env map[string]int64) (*Array, error) {
	a := &Array{}
	n := 1
	for _, ax := range t.Axes {
		v, err := ax.Dim.Eval(env)
		if err != nil {
			return nil, err
		}
		if v < 0 || v > 1<<31 || (v > 0 && int64(n) > (1<<33)/v) {
			return nil, fmt.Errorf("axis %s has extent %d", ax.Name, v)
		}
		a.Axes = append(a.Axes, ax.Name)
		a.Dims = append(a.Dims, int(v))
		n *= int(v)
	}
	a.Data = make([]float64, n)
	return a, nil
}

// Dim is the extent of an axis.
func (a *Array) Dim(axis string) int {
	for i, n := range a.Axes {
		if n == axis {
			return a.Dims[i]
		}
	}
	return 0
}

// Stride is the distance in Data between neighbours along an axis; 0 when the array lacks it, so that it broadcasts.
func (a *Array) Stride(axis string) int {
	s := 1
	for i := len(a.Axes) - 1; i >= 0; i-- {
		if a.Axes[i] == axis {
			return s
		}
		s *= a.Dims[i]
	}
	return 0
}

// Strides are those of the named axes.
func (a *Array) Strides(axes []string) []int {
	s := make([]int, len(axes))
	for i, n := range axes {
		s[i] = a.Stride(n)
	}
	return s
}

// Each calls f with every coordinate of a's shape, in order.
func (a *Array) Each(f func(i int, at []int)) {
	at := make([]int, len(a.Dims))
	for i := range a.Data {
		f(i, at)
		for d := len(at) - 1; d >= 0; d-- {
			if at[d]++; at[d] < a.Dims[d] {
				break
			}
			at[d] = 0
		}
	}
}

// Offset is Σ at·strides.
func Offset(at, strides []int) int {
	o := 0
	for i, s := range strides {
		o += at[i] * s
	}
	return o
}

// Round rounds every element to a dtype narrower than f64; integers stay.
func (a *Array) Round(d DType) {
	if r := d.Row(); r.Encode != nil {
		roundTo(r, a.Data)
	}
}

func roundTo(r *kernel.DTypeRow, data []float64) {
	if r.DType == kernel.F32 || r.Elems != 1 {
		return // the reference computes in more than f32, and blocks are only ever read
	}
	var buf [8]byte
	var one [1]float32
	for i, v := range data {
		one[0] = float32(v)
		r.Encode(buf[:r.Bytes], one[:])
		r.Decode(one[:], buf[:r.Bytes])
		data[i] = float64(one[0])
	}
}

// Eval is what an op's Eval sees.
type Eval struct {
	Node *Node
	In   []*Array
	Out  *Array           // zero, of the result's shape: fill and return it
	Env  map[string]int64 // symbol values
	Past int              // tokens before this step
}
