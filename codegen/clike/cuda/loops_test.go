package cuda

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/ir/kernel"
)

// loopCall is of heads of k elements: a token's where they come from memory, those of several tokens where they lie in the group's.
func loopCall(k, cols int64, token bool) clike.LoopCall {
	is := func(n int64) clike.Range { return clike.Range{Lo: n, Hi: n} }
	cache := clike.Operand{DType: kernel.F16, Role: kernel.State}
	return clike.LoopCall{
		Keys: cache, Values: cache, Q: clike.Operand{DType: kernel.F32, Group: !token}, Cols: is(cols), K: is(k), KeyStride: is(k),
		QStride: is(k), ValueK: is(k), ValueStride: is(k), Block: is(64), Threads: 256, Room: Dialect.Memory,
	}
}

func TestLoopPlans(t *testing.T) {
	require.Equal(t, "token::Attend<64, 64, 64, 64, 8, 8>", planToken(loopCall(64, 8, true)).Type)
	require.True(t, planToken(loopCall(64, 8, true)).Begins)
	require.Equal(t, "flash::Attend<128, 128, 128, 128, 3, 8>", planFlash(loopCall(128, 48, false)).Type)
	for _, k := range []int64{8, 16, 48, 80} {
		require.Nil(t, planToken(loopCall(k, 8, true)), k)
	}
	small := loopCall(64, 64, false)
	small.Room = 50 << 10
	require.Nil(t, planFlash(small))
	for _, k := range []int64{8, 24, 160, 256} {
		require.Nil(t, planFlash(loopCall(k, 8, false)), k)
	}
}

func TestLoopsDecline(t *testing.T) {
	for name, change := range map[string]func(c *clike.LoopCall){
		"f32 keys":     func(c *clike.LoopCall) { c.Keys.DType = kernel.F32 },
		"bf16 values":  func(c *clike.LoopCall) { c.Values.DType = kernel.BF16 },
		"narrow q":     func(c *clike.LoopCall) { c.Q.DType = kernel.F16 },
		"any heads":    func(c *clike.LoopCall) { c.K.Hi = 128 },
		"any stride":   func(c *clike.LoopCall) { c.ValueStride.Hi = 128 },
		"odd stride":   func(c *clike.LoopCall) { c.KeyStride = clike.Range{Lo: 68, Hi: 68} },
		"short blocks": func(c *clike.LoopCall) { c.Block = clike.Range{Lo: 32, Hi: 32} },
		"many columns": func(c *clike.LoopCall) { c.Cols.Hi = 65 },
	} {
		for token, plan := range map[bool]func(clike.LoopCall) *clike.LoopPlan{true: planToken, false: planFlash} {
			c := loopCall(64, 8, token)
			require.NotNil(t, plan(c))
			change(&c)
			require.Nil(t, plan(c), name)
		}
	}
}

// The sizes that Go computes are those of the templates.
func TestLoopSizes(t *testing.T) {
	var src strings.Builder
	for _, f := range []string{"prelude.cuh", "flash.cuh", "token.cuh"} {
		b, err := files.ReadFile(f)
		require.NoError(t, err)
		src.Write(b)
	}
	for _, k := range []int64{16, 32, 64, 80, 96, 112, 128, 256} {
		for cols := int64(1); cols <= 64; cols++ {
			for token, f := range map[bool]func(clike.LoopCall) *clike.LoopPlan{true: planToken, false: planFlash} {
				if plan := f(loopCall(k, cols, token)); plan != nil {
					require.Less(t, plan.Memory, 140<<10, plan.Type)
					fmt.Fprintf(&src, "static_assert(%s::BYTES == %d, \"\");\n", plan.Type, plan.Memory)
				}
			}
		}
	}
	c, err := nvrtc.Load()
	if err != nil {
		t.Skip(err)
	}
	_, err = c.Compile([]byte(src.String()), "loops.cu", nvrtc.Options{Arch: "compute_80"})
	require.NoError(t, err)
}
