package cpu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/runtime"
)

// TestInvalidPrograms edits one thing of a valid program, and expects the message that names it.
func TestInvalidPrograms(t *testing.T) {
	type program = runtime.Program
	const at = "step prefill: launch 1 (head): "
	head := func(p *program) *runtime.Launch { return &p.Steps[1].Launches[1] }
	first := func(p *program) *runtime.Launch { return &p.Steps[1].Launches[0] }
	for _, x := range []struct {
		want string
		edit func(p *program)
	}{
		{"step prefill: an arena of -1 bytes, outside [0, 1099511627776]", func(p *program) { p.Steps[1].Arena = -1 }},
		{"step logits: an arena of 9223372036854775807 bytes, outside [0, 1099511627776]", func(p *program) { p.Steps[2].Arena = math.MaxInt64 }},
		{"step 1 is named decode like one before it", func(p *program) { p.Steps[1].Name = "decode" }},

		{"weight table: 80 bytes, but f32 [7 3] has 84", func(p *program) { p.Weights[0].Bytes = 80 }},
		{"weight table: shape [9007199254740992 9007199254740992] is out of range", func(p *program) { p.Weights[0].Shape = []int64{1 << 53, 1 << 53} }},
		{"weight table: shape [-7 3] is out of range", func(p *program) { p.Weights[0].Shape[0] = -7 }},
		{`weight table: no "f33" has shape [7 3]`, func(p *program) { p.Weights[0].DType = "f33" }},
		{"weight table: 84 bytes of data, the program has 88", func(p *program) { p.Weights[0].Bytes = 88 }},
		{"weight chair: no such weight", func(p *program) { p.Weights[0].Name = "chair" }},
		{"state kv: 4 bytes, but f32 [2 12 3] has 288", func(p *program) { p.States[0].Bytes = 4 }},
		{"state kv: context axis 3 of shape [2 12 3]", func(p *program) { p.States[0].Ctx = 3 }},
		{"state kv: context axis -1 of shape [2 12 3]", func(p *program) { p.States[0].Ctx = -1 }},
		{"state kv: its context axis is 12 long, the program's context 13", func(p *program) { p.Context = 13 }},

		{"kernel 1 (logits): its text has the key " + keyOf(t, toyLogits) + ", not 0", func(p *program) { p.Kernels[1].Key = "0" }},
		{at + "kernel 2 of 2", func(p *program) { head(p).Kernel = 2 }},
		{at + "kernel -1 of 2", func(p *program) { head(p).Kernel = -1 }},
		{at + "kernel logits: 1 buffers, it takes 2", func(p *program) { head(p).Bufs = head(p).Bufs[:1] }},
		{at + "kernel logits: 6 ints, it takes 7", func(p *program) { head(p).Ints = head(p).Ints[:6] }},
		{at + "kernel logits: 0 floats, it takes 1", func(p *program) { head(p).Floats = nil }},
		{at + "kernel logits: int P: 3 coefficients for 2 symbols", func(p *program) { head(p).Ints[1].Coef = []int64{0, 1, 2} }},

		{at + "kernel logits: buffer kv: state_f32 parameter given weight memory", func(p *program) { head(p).Bufs[0].Space = runtime.Weight }},
		{at + "kernel logits: buffer kv: state_f32 parameter given f16", func(p *program) { head(p).Bufs[0].DType = "f16" }},
		{at + "kernel logits: buffer kv: state 1 of 1 weights and 1 states", func(p *program) { head(p).Bufs[0].Index = 1 }},
		{at + "kernel logits: buffer kv: state -1 of 1 weights and 1 states", func(p *program) { head(p).Bufs[0].Index = -1 }},
		{at + "kernel logits: buffer kv: 0 bytes at 4 of state kv, which is used whole: 288 bytes", func(p *program) { head(p).Bufs[0].Offset = 4 }},
		{at + "kernel logits: buffer y: out_f32 parameter given weight memory", func(p *program) { head(p).Bufs[1].Space = runtime.Weight }},
		{at + `kernel logits: buffer y: out_f32 parameter given moon memory`, func(p *program) { head(p).Bufs[1].Space = "moon" }},
		{at + "kernel logits: buffer y: 116 bytes at 64 leave the arena of 176 bytes", func(p *program) { head(p).Bufs[1].Bytes = 116 }},
		{at + "kernel logits: buffer y: 112 bytes at -4 leave the arena of 176 bytes", func(p *program) { head(p).Bufs[1].Offset = -4 }},
		{at + "kernel logits: buffer y: 112 bytes at 9223372036854775807 leave the arena of 176 bytes", func(p *program) { head(p).Bufs[1].Offset = math.MaxInt64 }},
		{at + "kernel logits: buffer y: 110 bytes at 62 are not whole f32 elements of 4 bytes", func(p *program) { head(p).Bufs[1].Offset, head(p).Bufs[1].Bytes = 62, 110 }},
		{"step prefill: launch 0 (kv.append): kernel append: buffer table: weight 1 of 1 weights and 1 states", func(p *program) { first(p).Bufs[1].Index = 1 }},
		{"step prefill: launch 0 (kv.append): kernel append: buffer table: weight table is f32, not f16", func(p *program) { first(p).Bufs[1].DType = "f16" }},
		{"step prefill: launch 0 (kv.append): kernel append: buffer table: weight parameter given i32", func(p *program) { first(p).Bufs[1].DType = "i32" }},

		{`step prefill: port tokens: unknown dtype ""`, func(p *program) { p.Steps[1].Inputs[0].DType = "" }},
		{"step prefill: port logits: f32 at offset 177 of an arena of 176 bytes", func(p *program) { p.Steps[1].Outputs[0].Offset = 177 }},
		{"step prefill: port logits: f32 at offset 2 of an arena of 176 bytes", func(p *program) { p.Steps[1].Outputs[0].Offset = 2 }},
		{"step logits: port logits: 28 elements of f32 at 68 leave the arena of 176 bytes", func(p *program) { p.Steps[2].Outputs[0].Offset = 68 }},
		{"step prefill: port logits: 3 coefficients for 2 symbols", func(p *program) { p.Steps[1].Outputs[0].Shape[0].Coef = []int64{0, 1, 2} }},
		{"step decode: it takes tokens, so the symbols are the new and the past ones, not [S P B]", func(p *program) { p.Symbols = []string{"S", "P", "B"} }},
		{"step prefill: 13 tokens at once in a context of 12", func(p *program) { p.Chunk = 13 }},
		{"step decode: 0 outputs, want the logits alone", func(p *program) { p.Steps[0].Outputs = nil }},
		{"step decode: input tokens is f32, want i32", func(p *program) { p.Steps[0].Inputs[0].DType = "f32" }},
	} {
		for _, lib := range []Library{{}, {Kernels: toyKernels(t), Tiles: toyTiles}} {
			p := toyProgram(t)
			x.edit(p)
			_, err := New(p, missing{toyWeights()}, lib, Options{Threads: 1})
			require.EqualError(t, err, x.want)
		}
	}
}

// TestInvalidGrid has extents that only show when they are computed.
func TestInvalidGrid(t *testing.T) {
	p := toyProgram(t)
	p.Steps[1].Launches[1].Ints[4].Const = -1
	_, err := New(p, toyWeights(), Library{Kernels: toyKernels(t), Tiles: toyTiles}, Options{})
	require.EqualError(t, err, "step prefill: launch 1 (head): kernel logits: -7 groups of 1 floats: want 0 to 2147483647 and 0 to 67108864")
	_, err = New(p, toyWeights(), Library{}, Options{})
	require.ErrorContains(t, err, "step prefill: launch 1 (head): kernel logits")
	require.ErrorContains(t, err, "-1")

	lib := Library{Kernels: toyKernels(t), Tiles: toyTiles}
	lib.Kernels[keyOf(t, toyLogits)].Groups = func(a *Args) int { return 1 / (a.Ints[4] + 1) }
	_, err = New(p, toyWeights(), lib, Options{})
	require.EqualError(t, err,
		"step prefill: launch 1 (head): kernel logits: its grid for [4 8 12 3 -1 3 7]: runtime error: integer divide by zero")
}

// missing is memory that lacks what it does not have.
type missing struct{ memory }

func (m missing) Data(t *runtime.Tensor) ([]byte, error) {
	if m.memory[t.Name] == nil {
		return nil, errors.New("no such weight")
	}
	return m.memory.Data(t)
}

// TestUnreadableKernel has a text that does not parse; the message is the parser's.
func TestUnreadableKernel(t *testing.T) {
	p := toyProgram(t)
	p.Kernels[0].Text = "func append("
	_, err := New(p, toyWeights(), Library{}, Options{})
	require.ErrorContains(t, err, "kernel 0 (append): ")
}

func TestMissingTile(t *testing.T) {
	_, err := New(toyProgram(t), toyWeights(), Library{Kernels: toyKernels(t)}, Options{})
	require.EqualError(t, err, fmt.Sprintf(
		"step decode: launch 0 (kv.append): kernel append: buffer table: weight table has dtype f32, which has no tile for this CPU (levels %v)", Levels()))
}

func TestMisalignedWeight(t *testing.T) {
	w := toyWeights()
	w["table"] = append(alignedBytes(1), w["table"]...)[1:]
	_, err := New(toyProgram(t), w, Library{}, Options{})
	require.EqualError(t, err, "weight table: its data does not begin at a multiple of 4 bytes, which f32 needs")
}

func TestTilesByLevel(t *testing.T) {
	lib := Library{Tiles: []Tile{{DType: 1, Level: "vax"}, {DType: 1, Level: "portable"}, {DType: 2, Level: "vax"}}}
	require.Equal(t, &lib.Tiles[1], lib.tiles([]string{"portable"})[1])
	require.Nil(t, lib.tiles([]string{"portable"})[2])
	require.Equal(t, &lib.Tiles[0], lib.tiles([]string{"vax", "portable"})[1])
}

// TestEditedPrograms changes any few numbers of the program's JSON: New refuses, or the steps run or fail, and nothing panics.
func TestEditedPrograms(t *testing.T) {
	data, err := json.Marshal(toyProgram(t))
	require.NoError(t, err)
	libs := []Library{{}, {Kernels: toyKernels(t), Tiles: toyTiles}}
	rapid.Check(t, func(t *rapid.T) {
		edited := data
		for range rapid.IntRange(1, 3).Draw(t, "edits") {
			spans := numbers.FindAllIndex(edited, -1)
			at := rapid.SampledFrom(spans).Draw(t, "at")
			value := rapid.SampledFrom([]string{"-1", "0", "1", "2", "5", "64", "177", "16777216", "9223372036854775807", "-9223372036854775808"}).Draw(t, "value")
			edited = slices.Concat(edited[:at[0]+1], []byte(value), edited[at[1]:])
		}
		var p runtime.Program
		require.NoError(t, json.Unmarshal(edited, &p))
		e, err := New(&p, toyWeights(), rapid.SampledFrom(libs).Draw(t, "lib"), Options{Threads: 2})
		if err != nil {
			return
		}
		defer e.Close()
		c, err := e.NewCache()
		require.NoError(t, err)
		for _, s := range p.Steps {
			_, _ = e.Step(context.Background(), s.Name, c, 3, []int32{1})
		}
	})
}

// numbers matches a JSON text's integers with the byte before them; a few of them stand in kernel texts.
var numbers = regexp.MustCompile(`[:,\[]-?[0-9]+`)
