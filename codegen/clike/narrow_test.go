package clike

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// kernels are those of a small Llama with block weights, bound for a GPU.
func kernels(t *testing.T) map[string]*kernel.Kernel {
	files, err := filepath.Glob("testdata/*.kernel")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*kernel.Kernel{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		k, err := kernel.Parse(string(text))
		require.NoError(t, err, f)
		all[k.Name] = k
	}
	return all
}

var symbols = map[string]Range{"S": {1, 32}, "P": {0, 32}}

// TestNarrowed: a kernel that was narrowed and trimmed, with loops in place of its Dots and Mixes, computes what it did before.
func TestNarrowed(t *testing.T) {
	for name, k := range kernels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &planner{d: &Dialect{}, bufs: map[string]kernel.Buf{}, plans: map[kernel.Stmt]*planned{}}
			for _, b := range k.Bufs {
				p.bufs[b.Name] = b
			}
			narrowed, _, err := narrow(k, symbols, p.stmt, p.loop)
			require.NoError(t, err)
			narrowed, _ = trim(narrowed)
			narrowed.Ints = k.Ints // which the grid may need
			require.NoError(t, kernel.Verify(narrowed), "%s", narrowed)
			for _, env := range []map[string]int64{{"S": 1, "P": 0}, {"S": 5, "P": 3}, {"S": 11, "P": 20}} {
				want, got := interpreted(t, k, env), interpreted(t, narrowed, env)
				for i, b := range k.Bufs {
					for j := int64(0); j < want[i].Len(); j++ {
						w, g := want[i].Load(j), got[i].Load(j)
						require.InDelta(t, w.F, g.F, 1e-4*float64(1+max(w.F, -w.F)), "%s[%d] for %v", b.Name, j, env)
						require.Equal(t, w.I, g.I)
					}
				}
			}
		})
	}
}

// interpreted runs all groups on buffers of reproducible noise that are large enough for any index.
func interpreted(t *testing.T, k *kernel.Kernel, env map[string]int64) []*kernel.Mem {
	p, err := kernel.Interpret(k, kernel.Options{ReverseLanes: true})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	var bufs []*kernel.Mem
	for _, b := range k.Bufs {
		row := b.DType.Row()
		width := cmp.Or(rowsOf[b.Name], 96)
		n := width * 16 * 40 // whole panels
		size, err := b.DType.MatrixBytes(16*40, width)
		require.NoError(t, err)
		m := &kernel.Mem{DType: b.DType, Data: make([]byte, size), Row: width}
		switch {
		case row.Elems > 1: // any bits are codes and factors
			for i := range m.Data {
				m.Data[i] = byte(rng.Uint32()) & 0x3b // factors that are not huge
			}
		case b.DType.Scalar() == kernel.Float:
			for i := int64(0); i < n; i++ {
				require.NoError(t, m.Store(i, kernel.Value{F: rng.Float32() - 0.5}))
			}
		default:
			for i := int64(0); i < n; i++ {
				require.NoError(t, m.Store(i, kernel.Value{I: int64(rng.IntN(8))}))
			}
		}
		bufs = append(bufs, m)
	}
	var ints []int64
	for _, s := range k.Ints {
		ints = append(ints, env[s])
	}
	groups, err := p.Groups(ints)
	require.NoError(t, err)
	floats, err := p.Scratch(ints)
	require.NoError(t, err)
	for g := range groups {
		require.NoError(t, p.Run(bufs, ints, nil, make([]float32, floats), g))
	}
	return bufs
}

// rowsOf are the lengths of rows of weights that are not the model's width.
var rowsOf = map[string]int64{"wdown": 160}
