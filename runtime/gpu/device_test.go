package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	dialect "github.com/llorch/llorch/codegen/clike/cuda"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/sample"
)

// These tests run the engine on a GPU, with kernels that NVRTC makes of a program's texts and of pick.cu.

func needDevice(t testing.TB) device.Driver {
	d, err := driver.Load()
	if err != nil {
		t.Skip("needs an NVIDIA GPU: ", err)
	}
	if all, err := d.Devices(); err != nil || len(all) == 0 {
		t.Skip("needs an NVIDIA GPU")
	}
	return d
}

// compile compiles p's texts, and says how they are launched.
func compile(t testing.TB, p *runtime.Program, arch string) *nvrtc.Result {
	c, err := nvrtc.Load()
	if err != nil {
		t.Skip(err)
	}
	var ks []*kernel.Kernel
	for i := range p.Kernels {
		k, err := kernel.Parse(p.Kernels[i].Text)
		require.NoError(t, err)
		ks = append(ks, k)
	}
	limits := map[string]clike.Range{"S": {Lo: 1, Hi: int64(p.Chunk)}, "P": {Lo: 0, Hi: int64(p.Context)}}
	src, fns, err := clike.Emit(dialect.Dialect, clike.Options{Symbols: p.Symbols, Limits: limits}, ks)
	require.NoError(t, err)
	for i, f := range fns {
		p.Kernels[i].Threads, p.Kernels[i].Shared = f.Threads, f.Shared
	}
	r, err := c.Compile(src, "kernels.cu", nvrtc.Options{Arch: arch})
	require.NoError(t, err)
	return r
}

// TestCompiles needs no GPU.
func TestCompiles(t *testing.T) {
	for _, arch := range []string{"sm_80", "sm_90", "compute_90"} {
		r := compile(t, toyProgram(t), arch)
		if r.PTX != nil {
			require.Contains(t, string(r.PTX), ".target sm_90")
		}
	}
}

// of is code that suits any device.
func of(image []byte) func(device.Info) ([]byte, error) {
	return func(device.Info) ([]byte, error) { return image, nil }
}

func deviceEngine(t testing.TB, p *runtime.Program, w runtime.Weights) *Picker {
	d := needDevice(t)
	all, err := d.Devices()
	require.NoError(t, err)
	e, err := NewPicker(p, w, of(compile(t, p, all[0].Arch).Cubin), d, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestDeviceToy(t *testing.T) {
	for name, p := range map[string]*runtime.Program{"graph": toyProgram(t), "launches": growing(t)} {
		t.Run(name, func(t *testing.T) {
			s := &session{e: deviceEngine(t, p, toyWeights())}
			for _, stage := range stages {
				require.NoError(t, stage.run(s), stage.name)
			}
			for _, sizes := range [][]int{{4, 4, 4}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {2, 1, 3, 1, 1, 4}} {
				feed(t, s.e, toyCache(t, s.e), nil, prompt, sizes...)
			}
		})
	}
}

func TestDevicePTX(t *testing.T) {
	p, d := toyProgram(t), needDevice(t)
	e, err := NewPicker(p, toyWeights(), of(compile(t, p, "compute_80").PTX), d, Options{})
	require.NoError(t, err)
	feed(t, e, toyCache(t, e), nil, prompt, 2, 1, 1)
	require.NoError(t, e.Close())
}

// rowsProgram has a decode step whose logits are a row of a table: the token's.
func rowsProgram(t testing.TB, vocab, rows int) *runtime.Program {
	text := `func row(tokens in_i32, table weight_f32, y out_f32) {
	grid(b, VOCAB/100)
	for v := range lanes(100) {
		y[b*100+v] = table[tokens[0]%ROWS*VOCAB+b*100+v]
	}
}
`
	k, err := kernel.Parse(strings.NewReplacer("VOCAB/100", fmt.Sprint(vocab/100), "VOCAB", fmt.Sprint(vocab), "ROWS", fmt.Sprint(rows)).Replace(text))
	require.NoError(t, err)
	p := toyProgram(t)
	p.Vocab, p.Kernels, p.Context = vocab, []runtime.Kernel{{Name: k.Name, Text: k.String(), Threads: 128}}, 1<<20
	p.Weights = []runtime.Tensor{{Name: "table", DType: "f32", Shape: []int64{int64(rows), int64(vocab)}, Bytes: 4 * int64(rows*vocab)}}
	p.States[0].Shape[0], p.States[1].Shape[1] = int64(p.Context), int64(p.Context)
	p.States[0].Bytes, p.States[1].Bytes = 4*int64(p.Context), 24*int64(p.Context)
	p.Steps = []runtime.Step{{
		Name: runtime.Decode, Arena: 256 + 4*int64(vocab),
		Inputs:  []runtime.Port{{Name: "tokens", DType: "i32", Shape: []runtime.Affine{{Const: 1}}}},
		Outputs: []runtime.Port{{Name: "logits", DType: "f32", Offset: 256, Shape: []runtime.Affine{{Const: int64(vocab)}}}},
		Launches: []runtime.Launch{{Node: "row", Bufs: []runtime.Ref{
			{Space: runtime.Arena, Bytes: 4, DType: "i32"}, {Space: runtime.Weight, DType: "f32"},
			{Space: runtime.Arena, Offset: 256, Bytes: 4 * int64(vocab), DType: "f32"},
		}}},
	}}
	return p
}

// hardRows are logits that are hard to choose from.
func hardRows(vocab int) map[string][]float32 {
	r := rand.New(rand.NewPCG(1, 2))
	make1 := func(f func(i int) float64) []float32 {
		row := make([]float32, vocab)
		for i := range row {
			row[i] = float32(f(i))
		}
		return row
	}
	inf := math.Inf(-1)
	return map[string][]float32{
		"normal":     make1(func(int) float64 { return r.NormFloat64() * 3 }),
		"negative":   make1(func(int) float64 { return r.NormFloat64() - 1000 }),
		"rising":     make1(func(i int) float64 { return float64(i) / 1000 }),
		"falling":    make1(func(i int) float64 { return -float64(i) / 1000 }),
		"equal":      make1(func(int) float64 { return 1.5 }),
		"few values": make1(func(int) float64 { return float64(r.IntN(40)) }),
		"zeros":      make1(func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) }),
		"most banned": make1(func(i int) float64 {
			if i%97 == 5 {
				return r.NormFloat64()
			}
			return inf
		}),
		"one": make1(func(i int) float64 {
			if i == vocab-1 {
				return -3
			}
			return inf
		}),
	}
}

// TestDeviceChoice holds what the device chooses from rows of logits against the host.
func TestDeviceChoice(t *testing.T) {
	needDevice(t)
	for _, vocab := range []int{100, 300, 5000, 32000, 128200, 262100} {
		rows := hardRows(vocab)
		names := []string{}
		table := []byte{}
		for name, row := range rows {
			names = append(names, name)
			for _, v := range row {
				table = binary.LittleEndian.AppendUint32(table, math.Float32bits(v))
			}
		}
		e := deviceEngine(t, rowsProgram(t, vocab, len(rows)), weights{"table": table})
		c := toyCache(t, e)
		for token, name := range names {
			_, err := e.Greedy(t.Context(), c, int32(token), 0, 1, func(id int32) bool {
				require.Equal(t, sample.Greedy(rows[name]), id, "%s of %d", name, vocab)
				return true
			})
			require.NoError(t, err)
			best, sum, _, err := e.Candidates(t.Context(), c, 0, int32(token))
			require.NoError(t, err)
			want := sorted(rows[name])
			require.Equal(t, want[:min(bestCount, len(want))], noNegativeZeros(best), "%s of %d", name, vocab)
			peak := float64(want[0].Logit)
			shifted := 0.0
			for _, v := range rows[name] {
				shifted += math.Exp(float64(v) - peak)
			}
			require.InDelta(t, peak+math.Log(shifted), sum, 1e-9)
		}
	}
}

func noNegativeZeros(list []sample.Candidate) []sample.Candidate {
	for i := range list {
		list[i].Logit += 0
	}
	return list
}

func TestDeviceNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		table := make([]byte, 4*32000)
		binary.LittleEndian.PutUint32(table[4*31999:], math.Float32bits(float32(bad)))
		e := deviceEngine(t, rowsProgram(t, 32000, 1), weights{"table": table})
		c := toyCache(t, e)
		_, err := e.Greedy(t.Context(), c, 0, 0, 3, func(int32) bool { return true })
		require.EqualError(t, err, "step decode at position 0: its logits are not all finite numbers")
		_, _, _, err = e.Candidates(t.Context(), c, 0, 0)
		require.EqualError(t, err, "step decode at position 0: its logits are not all finite numbers")
	}
}

// TestDeviceTimes logs what choosing costs on the device and on the host, and how fast weights are loaded.
func TestDeviceTimes(t *testing.T) {
	needDevice(t)
	for _, vocab := range []int{32000, 128200, 262100} {
		row := hardRows(vocab)["normal"]
		table := []byte{}
		for range 2 {
			for _, v := range row {
				table = binary.LittleEndian.AppendUint32(table, math.Float32bits(v))
			}
		}
		big := int64(2 << 30)
		p := rowsProgram(t, vocab, 2)
		p.Weights = append(p.Weights, runtime.Tensor{Name: "big", DType: "f32", Shape: []int64{big / 4}, Bytes: big})
		w := weights{"table": table, "big": make([]byte, big)}
		for i := range w["big"] {
			w["big"][i] = byte(i >> 12)
		}
		start := time.Now()
		e := deviceEngine(t, p, w)
		t.Logf("vocabulary of %d: engine with 2 GiB of weights in %v", vocab, time.Since(start))
		start = time.Now()
		require.NoError(t, e.upload(w))
		t.Logf("  upload of 2 GiB: %.1f GB/s", float64(big)/time.Since(start).Seconds()/1e9)
		c := toyCache(t, e)
		s, m := e.steps[runtime.Decode], c.(*cache).room
		for name, queue := range map[string]func() error{
			"row alone": func() error { return e.queue(t.Context(), s, m) },
			"row, pick": func() error { return e.choose(t.Context(), s, m) },
			"row, best": func() error { return e.find(t.Context(), s, m) },
		} {
			const n, reps = 50, 20
			e.symbols[0], e.symbols[1] = 1, 0
			g, err := e.ctx.Capture(e.stream, func() error {
				for range n {
					if err := queue(); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, err)
			best := math.Inf(1)
			for range reps {
				require.NoError(t, e.first(s, 0))
				require.NoError(t, e.ctx.Record(e.begin, e.stream))
				require.NoError(t, e.ctx.Run(g, e.stream))
				require.NoError(t, e.wait(t.Context()))
				ms, err := e.ctx.Elapsed(e.begin, e.done)
				require.NoError(t, err)
				best = min(best, float64(ms)*1000/n)
			}
			t.Logf("  %s: %.2f us a step", name, best)
			require.NoError(t, e.ctx.FreeGraph(g))
		}
		for name, run := range map[string]func() error{
			"greedy tokens": func() error {
				_, err := e.Greedy(t.Context(), c, 0, 0, 200, func(int32) bool { return true })
				return err
			},
			"candidates": func() error {
				for i := range 200 {
					if _, _, _, err := e.Candidates(t.Context(), c, i, 0); err != nil {
						return err
					}
				}
				return nil
			},
			"steps": func() error {
				for i := range 200 {
					if _, err := e.Step(t.Context(), runtime.Decode, c, i, []int32{0}); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			var took []time.Duration
			for range 9 {
				start := time.Now()
				require.NoError(t, run())
				took = append(took, time.Since(start)/200)
			}
			t.Logf("  %s: %v each, end to end", name, slices.Min(took))
		}
	}
}
