package codegen_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// findDevice is the driver, if it has a device.
func findDevice() device.Driver {
	d, err := driver.Load()
	if err != nil {
		return nil
	}
	if all, err := d.Devices(); err != nil || len(all) == 0 {
		return nil
	}
	return d
}

func needDevice(t *testing.T) device.Driver {
	d := findDevice()
	if d == nil {
		t.Skip("needs an NVIDIA GPU with its driver")
	}
	return d
}

// needNVRTC skips where kernels cannot be compiled.
func needNVRTC(t *testing.T) {
	if _, err := nvrtc.Load(); err != nil {
		t.Skip(err)
	}
}

// deviceEngine compiles kernels for a device and loads them with the weights.
func deviceEngine(t rapid.TB, d device.Driver, c *codegen.Compiled, w runtime.Weights) *gpu.Picker {
	arch, err := cuda.Arch(d, 0)
	require.NoError(t, err)
	files, err := c.Files([]string{arch})
	require.NoError(t, err)
	e, err := cuda.New(c.Program, w, cuda.Code{Cubins: map[string][]byte{arch: files["kernels."+arch+".cubin"]}}, d, gpu.Options{})
	require.NoError(t, err, "%s", files["kernels.cu"])
	return e
}

func newDeviceModel(t *testing.T, d device.Driver, c llamaCase, chunk int) *model {
	m := &model{llamaCase: c, g: c.graph(t), tol: 2e-2, known: map[string][]float64{}}
	m.tr = &trial{g: m.g, seed: 5, target: "cuda"}
	compiled, err := codegen.Compile(m.g, codegen.Options{Target: "cuda", Chunk: chunk})
	require.NoError(t, err)
	m.program = compiled.Program
	e := deviceEngine(t, d, compiled, m.tr.weights(compiled))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	m.engine = e
	return m
}

// encodes reports the op class that CUDA has no spelling for: it multiplies block weights with floats.
func encodes(n *ir.Node) bool { return n.Op.Class == ir.Encoding }

// stepper is an engine that runs any step.
type stepper interface {
	runtime.Engine
	RunStep(ctx context.Context, name string, symbols []int64, inputs map[string][]byte, c runtime.Cache) (map[string][]byte, error)
}

// onDevice runs the steps for each specialisation that can, and hands over what the reference and the device say.
func (tr *trial) onDevice(t rapid.TB, d device.Driver, compare func(step string, want, got [][]float64, source string)) {
	tr.on(t, "cuda", func(c *codegen.Compiled, w runtime.Weights) stepper { return deviceEngine(t, d, c, w) }, compare)
}

// on is onDevice for an engine of a target.
func (tr *trial) on(t rapid.TB, target string, open func(c *codegen.Compiled, w runtime.Weights) stepper, compare func(step string, want, got [][]float64, source string)) {
	tr.target = target
	c := tr.compile(t)
	files, err := c.Target.Sources(c.Program, c.Kernels)
	require.NoError(t, err)
	e := open(c, tr.weights(c))
	defer func() { require.NoError(t, e.Close()) }()
	want := tr.reference(t)
	for i, step := range c.Program.Steps {
		if step.Name == runtime.Decode && tr.env["S"] != 1 {
			continue
		}
		cache, err := e.NewCache()
		require.NoError(t, err)
		var out map[string][]byte
		for _, s := range tr.calls(t, c.Program, step.Name) {
			out, err = e.RunStep(context.Background(), s.Name, s.Symbols, s.In, cache)
			require.NoError(t, err)
		}
		compare(step.Name, tr.lastRows(t, c.Module.Graphs[i], want), results(t, &c.Program.Steps[i], out), string(files["kernels."+map[string]string{"cuda": "cu", "metal": "metal"}[target]]))
	}
}

// TestDeviceOps runs every case of every row of the op table on the GPU.
func TestDeviceOps(t *testing.T) {
	d := needDevice(t)
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				tr := parseTrial(t, op.Table, c)
				if slices.ContainsFunc(tr.g.Nodes, encodes) {
					t.Skip("the target refuses it")
				}
				tr.onDevice(t, d, func(step string, want, got [][]float64, src string) {
					near(t, want, got, 4e-3, step+"\n"+src) // as close as bf16
				})
			})
		}
	}
}

// TestDeviceLlama holds every specialisation of small Llamas of every structure and weight type against the reference: one token
// exactly, many tokens as closely as 16 bits of the activations allow.
func TestDeviceLlama(t *testing.T) {
	d := needDevice(t)
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			g := c.graph(t)
			for _, env := range []map[string]int64{{"S": 7, "P": 0}, {"S": 3, "P": 5}, {"S": 1, "P": 9}} {
				tr := &trial{g: g, env: env, seed: 3}
				tr.onDevice(t, d, func(step string, want, got [][]float64, src string) {
					off := relative(want[0], got[0])
					t.Logf("%s %v: relative error %.2g", step, env, off)
					most := 0.02
					if step == runtime.Decode {
						most = 0.01 // the past was many tokens
					}
					if !(off < most) {
						t.Fatalf("%s %v: relative error %g", step, env, off)
					}
				})
			}
		})
	}
}

// compiledFor opens engines on a device with code that is made for it.
func compiledFor(t *testing.T, d device.Driver) func(c *codegen.Compiled, w runtime.Weights) stepper {
	return func(c *codegen.Compiled, w runtime.Weights) stepper { return deviceEngine(t, d, c, w) }
}

// holds holds steps of a model on a device against the reference: what many tokens are multiplied with is rounded to 16 bits.
func (c llamaCase) holds(t *testing.T, open func(c *codegen.Compiled, w runtime.Weights) stepper, envs ...map[string]int64) {
	for _, env := range envs {
		tr := &trial{g: c.graph(t), env: env, seed: 3}
		tr.on(t, "cuda", open, func(step string, want, got [][]float64, _ string) {
			off := relative(want[0], got[0])
			t.Logf("%s %v: relative error %.2g", step, env, off)
			require.Less(t, off, 0.02, "%s %v", step, env)
		})
	}
}

// wide are models with a layer whose MLP has enough rows for a GPU to take the most tokens at a time: several tiles of rows and tokens,
// full ones and cut off ones, of units that are odd in number where a type's blocks allow that.
func wide() (cases []llamaCase) {
	for _, w := range []kernel.DType{kernel.F16, kernel.BF16, kernel.Q40, kernel.Q41, kernel.Q50, kernel.Q51, kernel.Q80, kernel.Q4K, kernel.Q5K, kernel.Q6K} {
		c := with(func(c *models.Config) {
			c.Vocab, c.Layers, c.Embd, c.FFN, c.Context = 301, 1, 288, 5600, 600
			c.Heads, c.KVHeads, c.HeadDim, c.Rope.Width = 9, 3, 32, 32
			if w.Row().Elems > 32 {
				c.Embd, c.FFN, c.Heads, c.KVHeads = 256, 5632, 8, 2
			}
		})
		cases = append(cases, llamaCase{"wide", c, w, kernel.F16})
	}
	return append(cases, llamaCase{"mixed", cases[7].config, kernel.Q4K, kernel.F16})
}

// TestDeviceTiles holds steps of many tokens against the reference.
func TestDeviceTiles(t *testing.T) {
	d := needDevice(t)
	for _, c := range wide() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.holds(t, compiledFor(t, d), map[string]int64{"S": 389, "P": 0}, map[string]int64{"S": 200, "P": 180}, map[string]int64{"S": 20, "P": 0})
		})
	}
}

// TestDevicePTX: what the driver compiles of PTX, for devices that are newer than all that there is code for, does without what the
// chip alone has: other products of matrices, and no clusters.
func TestDevicePTX(t *testing.T) {
	d := needDevice(t)
	open := func(c *codegen.Compiled, w runtime.Weights) stepper {
		files, err := c.Files([]string{"compute_80"})
		require.NoError(t, err)
		e, err := cuda.New(c.Program, w, cuda.Code{PTX: files["kernels.ptx"]}, d, gpu.Options{})
		require.NoError(t, err)
		return e
	}
	for _, c := range wide() {
		if !slices.Contains([]kernel.DType{kernel.F16, kernel.Q40, kernel.Q4K}, c.w) {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.holds(t, open, map[string]int64{"S": 200, "P": 180}, map[string]int64{"S": 1, "P": 77})
		})
	}
}

// TestCUDATiles: those are the tiles that they are for.
func TestCUDATiles(t *testing.T) {
	for _, c := range wide() {
		compiled, err := codegen.Compile(c.graph(t), codegen.Options{Target: "cuda"})
		require.NoError(t, err)
		files, err := compiled.Target.Sources(compiled.Program, compiled.Kernels)
		require.NoError(t, err)
		src := string(files[codegen.CUDASource])
		if c.shape == "mixed" {
			require.NotContains(t, src, ">::pair(")
			continue
		}
		require.Regexp(t, fmt.Sprintf(`gemm::Tile<.*, %d, 176, \d, 2>::pair\(`, c.config.Embd), src)
	}
}

// TestDeviceSteps decodes token by token: nothing is rounded to 16 bits but what the graph says.
func TestDeviceSteps(t *testing.T) {
	d := needDevice(t)
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			m := newDeviceModel(t, d, c, 4)
			s := m.session(t)
			for i := range prompt {
				last, err := s.Append(t.Context(), prompt[i:i+1], 0)
				require.NoError(t, err)
				near(t, [][]float64{m.reference(t, prompt[:i+1])[i*m.program.Vocab:]}, [][]float64{widen(last)}, c.tolerance(), fmt.Sprintf("token %d", i))
			}
			m.follows(t)
		})
	}
}

// follows holds greedy decoding on the device against taking the likeliest token of each step's logits.
func (m *model) follows(t *testing.T) {
	a, b := m.session(t), m.session(t)
	m.mustAppend(t, a, prompt[:3])
	m.mustAppend(t, b, prompt[:3])
	id := prompt[3]
	var want, got []int32
	for next := id; len(want) < 20; {
		logits := m.mustAppend(t, a, []int32{next})
		next = int32(slices.Index(logits, slices.Max(logits)))
		want = append(want, next)
	}
	require.NoError(t, b.Follow(t.Context(), id, 20, func(id int32) bool {
		got = append(got, id)
		return true
	}))
	require.Equal(t, want, got)
	require.Equal(t, a.Tokens(), b.Tokens())
	require.NoError(t, b.Truncate(3)) // and again, stopping early, with steps under way
	got = nil
	require.NoError(t, b.Follow(t.Context(), id, 20, func(id int32) bool {
		got = append(got, id)
		return len(got) < 5
	}))
	require.Equal(t, want[:5], got)
	require.Equal(t, m.mustAppend(t, b, []int32{want[4]}), slices.Clone(m.replay(t, append(prompt[:4:4], want[:5]...))))
}

// replay is the logits after ids, fed as follows feeds them.
func (m *model) replay(t *testing.T, ids []int32) []float32 {
	s := m.session(t)
	m.mustAppend(t, s, ids[:3])
	var last []float32
	for i := range ids[3:] {
		last = m.mustAppend(t, s, ids[3+i:4+i])
	}
	return last
}

// TestDeviceRandom runs random graphs on the GPU.
func TestDeviceRandom(t *testing.T) {
	d := needDevice(t)
	for i := range 60 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tr := rapid.Custom(drawTrial).Example(i)
			_, most := tr.evaluate(t)
			tr.onDevice(t, d, func(step string, want, got [][]float64, src string) {
				near(t, want, got, 4e-3*(1+most), fmt.Sprintf("%s %v\n%s", step, tr.env, ir.Print(tr.g)))
			})
		})
	}
}

// TestCUDACompiles compiles the kernels of every test model for two architectures, without a GPU.
func TestCUDACompiles(t *testing.T) {
	needNVRTC(t)
	cases := map[string]*ir.Graph{}
	for _, c := range llamaCases() {
		cases[c.String()] = c.graph(t)
	}
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			cases[row.Name+"/"+c.Name] = parseTrial(t, op.Table, c).g
		}
	}
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := codegen.Compile(cases[name], codegen.Options{Target: "cuda"})
			require.NoError(t, err)
			arch := []string{"sm_90", "sm_80", "compute_80"}[i%3] // in turn
			files, err := c.Files([]string{arch})
			if slices.ContainsFunc(cases[name].Nodes, encodes) {
				require.ErrorContains(t, err, "target cuda: kernel")
				return
			}
			require.NoError(t, err)
			if arch == "compute_80" {
				require.NotEmpty(t, files["kernels.ptx"])
			} else {
				require.Equal(t, "\x7fELF", string(files["kernels."+arch+".cubin"][:4]))
			}
		})
	}
}
