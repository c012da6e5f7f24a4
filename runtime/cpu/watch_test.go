package cpu

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
)

// TestWatch looks at what each launch left: keys and values in the state, logits in the arena.
func TestWatch(t *testing.T) {
	e := toyEngine(t, true, 2)
	c := toyCache(t, e)
	step := e.program.Step(runtime.Prefill)
	var launches []int
	e.Watch(func(l runtime.Launched) error {
		require.Equal(t, runtime.Prefill, l.Step)
		require.GreaterOrEqual(t, int64(l.Time), int64(0))
		launches = append(launches, l.Index)
		for i, r := range step.Launches[l.Index].Bufs {
			b, err := l.Read(r)
			require.NoError(t, err)
			switch {
			case r.Space == runtime.State:
				require.Len(t, b, int(e.program.States[r.Index].Bytes))
				require.Equal(t, toyTable(3, 0), view[float32](b)[0], "launch %d, buffer %d", l.Index, i)
				part, err := l.Read(runtime.Ref{Space: runtime.State, Index: r.Index, Offset: 4, Bytes: 8})
				require.NoError(t, err)
				require.Equal(t, b[4:12], part)
			case r.Space == runtime.Weight:
				require.Len(t, b, int(e.program.Weights[r.Index].Bytes))
			}
		}
		for _, r := range []runtime.Ref{
			{Space: runtime.Arena, Offset: step.Arena, Bytes: 4}, {Space: runtime.Arena, Offset: -4, Bytes: 4},
			{Space: runtime.State, Index: 9}, {Space: runtime.Weight, Index: -1}, {Space: runtime.State, Offset: 1 << 40}, {Space: "disk"},
		} {
			_, err := l.Read(r)
			require.Error(t, err)
		}
		if l.Index == len(step.Launches)-1 {
			out := step.Outputs[0]
			b, err := l.Read(runtime.Ref{Space: runtime.Arena, Offset: out.Offset, Bytes: 4 * toyVocab})
			require.NoError(t, err)
			require.Equal(t, toyWant([]int32{3, 1, 4}), view[float32](b))
		}
		return nil
	})
	_, err := e.Step(t.Context(), runtime.Prefill, c, 0, []int32{3, 1, 4})
	require.NoError(t, err)
	require.Len(t, launches, len(step.Launches))

	enough := errors.New("enough")
	e.Watch(func(runtime.Launched) error { return enough })
	_, err = e.Step(t.Context(), runtime.Prefill, c, 0, []int32{3, 1, 4})
	require.ErrorIs(t, err, enough)
	e.Watch(nil)
	_, err = e.Step(t.Context(), runtime.Prefill, c, 0, []int32{3, 1, 4})
	require.NoError(t, err)
}
