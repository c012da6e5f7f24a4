package codegen_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// These tests run Metal's kernels in the emulator, which watches every access.

func needEmulator(t testing.TB) {
	if _, err := emulator.Find(); err != nil {
		t.Skip(err)
	}
}

// metalEngine runs a program in the emulator, with the threads of a group in an order.
func metalEngine(t rapid.TB, c *codegen.Compiled, w runtime.Weights, order uint64) *gpu.Engine {
	files, err := c.Files(nil)
	require.NoError(t, err)
	d, err := metal.Emulated(metal.EmulateOptions{Checked: true, Order: order})
	require.NoError(t, err)
	e, err := gpu.New(c.Program, w, func(device.Info) ([]byte, error) { return files[codegen.MetalSource], nil }, d, gpu.Options{})
	require.NoError(t, err, "%s", files[codegen.MetalSource])
	return e
}

// emulated is trial.on for the emulator.
func (tr *trial) emulated(t rapid.TB, order uint64, compare func(step string, want, got [][]float64, source string)) {
	tr.on(t, "metal", func(c *codegen.Compiled, w runtime.Weights) stepper { return metalEngine(t, c, w, order) }, compare)
}

// TestMetalOps runs every case of every row of the op table, in two orders of the threads.
func TestMetalOps(t *testing.T) {
	needEmulator(t)
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				tr := parseTrial(t, op.Table, c)
				if slices.ContainsFunc(tr.g.Nodes, encodes) {
					t.Skip("the target refuses it")
				}
				for _, order := range []uint64{0, 7} {
					tr.emulated(t, order, func(step string, want, got [][]float64, src string) { near(t, want, got, 2e-3, step+"\n"+src) })
				}
			})
		}
	}
}

// TestMetalLlama holds every specialisation of small Llamas of every structure and weight type against the reference.
func TestMetalLlama(t *testing.T) {
	needEmulator(t)
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			g := c.graph(t)
			for i, env := range []map[string]int64{{"S": 7, "P": 0}, {"S": 3, "P": 5}, {"S": 1, "P": 9}} {
				tr := &trial{g: g, env: env, seed: 3}
				tr.emulated(t, uint64(i), func(step string, want, got [][]float64, src string) {
					off := relative(want[0], got[0])
					t.Logf("%s %v: relative error %.2g", step, env, off)
					if !(off < 2e-3) { // a cache of f16
						t.Fatalf("%s %v: relative error %g", step, env, off)
					}
				})
			}
		})
	}
}

// TestMetalSteps decodes token by token: nothing is rounded to 16 bits but what the graph says.
func TestMetalSteps(t *testing.T) {
	needEmulator(t)
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			m := newMetalModel(t, c, 4)
			s := m.session(t)
			for i := range prompt {
				last, err := s.Append(t.Context(), prompt[i:i+1], 0)
				require.NoError(t, err)
				near(t, [][]float64{m.reference(t, prompt[:i+1])[i*m.program.Vocab:]}, [][]float64{widen(last)}, min(c.tolerance(), 2e-3), fmt.Sprintf("token %d", i))
			}
		})
	}
}

func newMetalModel(t *testing.T, c llamaCase, chunk int) *model {
	m := &model{llamaCase: c, g: c.graph(t), tol: 2e-2, known: map[string][]float64{}}
	m.tr = &trial{g: m.g, seed: 5, target: "metal"}
	compiled, err := codegen.Compile(m.g, codegen.Options{Target: "metal", Chunk: chunk})
	require.NoError(t, err)
	m.program = compiled.Program
	e := metalEngine(t, compiled, m.tr.weights(compiled), 0)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	m.engine = e
	return m
}

// TestMetalRandom runs random graphs.
func TestMetalRandom(t *testing.T) {
	needEmulator(t)
	for i := range 30 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tr := rapid.Custom(drawTrial).Example(i)
			_, most := tr.evaluate(t)
			tr.emulated(t, uint64(i%2), func(step string, want, got [][]float64, src string) {
				near(t, want, got, 2e-3*(1+most), fmt.Sprintf("%s %v\n%s", step, tr.env, src))
			})
		})
	}
}

// tinyLlama is a layer of TinyLlama-1.1B, and its vocabulary.
func tinyLlama(layers int) models.Config {
	return models.Config{Arch: "llama", Vocab: 32000, Embd: 2048, Layers: layers, Heads: 32, KVHeads: 4, HeadDim: 64, FFN: 5632, Context: 2048, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 64, Style: "interleaved"}}
}

// TestMetalTinyLlamaCompiles: the kernels of a real shape, of every weight type, are free of warnings.
func TestMetalTinyLlamaCompiles(t *testing.T) {
	needEmulator(t)
	c, err := emulator.Find()
	require.NoError(t, err)
	for _, row := range kernel.DTypes {
		if !row.Weight || row.Panel != nil {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			g := models.Llama(tinyLlama(1), models.Options{KV: kernel.F16, Weight: llamaCase{config: tinyLlama(1), w: row.DType}.dtype})
			compiled, err := codegen.Compile(g, codegen.Options{Target: "metal"})
			require.NoError(t, err)
			files, err := compiled.Files(nil)
			require.NoError(t, err)
			_, err = c.Compile(t.Context(), files[codegen.MetalSource], emulator.Options{Name: codegen.MetalSource})
			require.NoError(t, err)
		})
	}
}

// TestMetalTinyLlamaLayer runs a layer of a real shape.
func TestMetalTinyLlamaLayer(t *testing.T) {
	needEmulator(t)
	c := llamaCase{config: tinyLlama(1), w: kernel.F16}
	c.config.Vocab, c.kv = 1000, kernel.F16
	g := c.graph(t)
	for _, env := range []map[string]int64{{"S": 3, "P": 4}, {"S": 1, "P": 5}} {
		tr := &trial{g: g, env: env, seed: 3}
		tr.emulated(t, 0, func(step string, want, got [][]float64, src string) {
			off := relative(want[0], got[0])
			t.Logf("%s %v: relative error %.2g", step, env, off)
			require.Less(t, off, 1e-3)
		})
	}
}
