package bench

import (
	"context"
	"fmt"

	"github.com/llorch/llorch/runtime"
)

// toyEngine notes its steps.
type toyEngine struct {
	p     *runtime.Program
	steps []string // "prefill 3 at 0"
	fail  error
}

type toyCache struct{}

func (toyCache) CopyFrom(runtime.Cache, int) error { panic("a measurement copies no cache") }
func (toyCache) Bytes() int64                      { return 0 }

func (e *toyEngine) NewCache() (runtime.Cache, error) { return toyCache{}, nil }
func (e *toyEngine) Close() error                     { return nil }

func (e *toyEngine) Step(ctx context.Context, step string, _ runtime.Cache, past int, ids []int32) ([]float32, error) {
	e.steps = append(e.steps, fmt.Sprintf("%s %d at %d", step, len(ids), past))
	for _, id := range ids {
		if id < 0 || int(id) >= e.p.Vocab {
			return nil, fmt.Errorf("id %d", id)
		}
	}
	if e.fail != nil {
		return nil, e.fail
	}
	return make([]float32, e.p.Vocab), ctx.Err()
}

// toyModel has a context of 16 and steps of 4 tokens, a kernel that gathers and one that multiplies.
func toyModel() (*runtime.Model, *toyEngine) {
	launch := func(kernel int, weights ...int) runtime.Launch {
		l := runtime.Launch{Kernel: kernel, Node: fmt.Sprintf("n%d", kernel), Bufs: []runtime.Ref{{Space: runtime.Arena}}}
		for _, w := range weights {
			l.Bufs = append(l.Bufs, runtime.Ref{Space: runtime.Weight, Index: w})
		}
		l.Bufs = append(l.Bufs, runtime.Ref{Space: runtime.Arena})
		return l
	}
	p := &runtime.Program{
		Model: "toy", Target: "none", Context: 16, Vocab: 5, Chunk: 4, Symbols: []string{"S", "P"},
		Kernels: []runtime.Kernel{
			{Name: "gather", Text: "func gather(tokens in_i32, w weight, y out_f32, n int) {\n\tfor i := range lanes(n) {\n\t\ty[i] = w[tokens[0]*n+i]\n\t}\n}\n"},
			{Name: "matmul", Text: "func matmul(x in_f32, norm in_f32, w weight, y out_f32, n int) {\n\tgroup(acc, n)\n\tgroup(xn, n)\n" +
				"\tfor i := range lanes(n) {\n\t\txn[i] = x[i] * norm[i]\n\t}\n\tdot(acc, 0, w, 0, n, xn, 0, n, n, 1, n)\n" +
				"\tfor j := range lanes(n) {\n\t\ty[j] = acc[j]\n\t}\n}\n"},
		},
		Weights: []runtime.Tensor{
			{Name: "embed", DType: "f16", Shape: []int64{5, 8}, Bytes: 80},
			{Name: "norm", DType: "f32", Shape: []int64{8}, Bytes: 32},
			{Name: "w", DType: "f16", Shape: []int64{8, 8}, Bytes: 128},
		},
		Steps: []runtime.Step{
			{Name: runtime.Decode, Launches: []runtime.Launch{launch(0, 0), launch(1, 1, 2), launch(1, 1, 0)}},
			{Name: runtime.Prefill},
		},
	}
	e := &toyEngine{p: p}
	m, err := runtime.NewModel(p, e)
	if err != nil {
		panic(err)
	}
	return m, e
}
