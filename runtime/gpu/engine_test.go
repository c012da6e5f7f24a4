package gpu

import (
	"context"
	"encoding/binary"
	"errors"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/sample"
)

var prompt = []int32{3, 0, 6, 2, 5, 1, 4, 4, 0, 2, 1, 6}

// feed runs tokens in steps of these sizes, and holds each step's logits against the definition.
func feed(t testing.TB, e *Picker, c runtime.Cache, history, tokens []int32, sizes ...int) {
	for _, n := range sizes {
		name := runtime.Prefill
		if n == 1 {
			name = runtime.Decode
		}
		part := tokens[:n]
		got, err := e.Step(t.Context(), name, c, len(history), part)
		require.NoError(t, err)
		history = append(slices.Clone(history), part...)
		require.Equal(t, toyWant(history), got)
		tokens = tokens[n:]
	}
}

func TestSteps(t *testing.T) {
	for _, sizes := range [][]int{
		{4, 4, 4}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {2, 1, 3, 1, 1, 4}, {3, 3, 3, 1, 1, 1}, {2},
	} {
		e, _ := toyEngine(t, toyProgram(t))
		feed(t, e, toyCache(t, e), nil, prompt, sizes...)
	}
}

func TestLogitsOfAll(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	feed(t, e, c, nil, prompt, 3)
	before, _ := d.live()
	for range 3 {
		got, err := e.Step(t.Context(), runtime.Logits, c, 3, prompt[3:7])
		require.NoError(t, err)
		for i := range 4 {
			require.Equal(t, toyWant(prompt[:4+i]), got[i*toyVocab:][:toyVocab])
		}
		_, err = e.Step(t.Context(), runtime.Logits, c, 3, prompt[3:5])
		require.NoError(t, err)
	}
	after, _ := d.live()
	require.Equal(t, before+1, after, "host memory for many logits is made once")
	feed(t, e, c, prompt[:7], prompt[7:], 1, 1, 2)
}

// TestCaches runs two sequences in turn, then one that begins as a copy.
func TestCaches(t *testing.T) {
	e, _ := toyEngine(t, toyProgram(t))
	a, b := toyCache(t, e), toyCache(t, e)
	other := []int32{6, 6, 1, 0, 5, 3, 2, 1}
	feed(t, e, a, nil, prompt, 2)
	feed(t, e, b, nil, other, 4)
	feed(t, e, a, prompt[:2], prompt[2:], 1, 1)
	feed(t, e, b, other[:4], other[4:], 1, 1)
	feed(t, e, a, prompt[:4], prompt[4:], 3)
	require.NoError(t, b.CopyFrom(a, 5))
	feed(t, e, b, prompt[:5], other, 1, 3, 1)
	feed(t, e, a, prompt[:7], prompt[7:], 1, 1)
	require.NoError(t, a.CopyFrom(b, 0))
	require.Equal(t, int64(4*(toyContext+toyHeads*toyContext*toyDim)), a.Bytes())
	require.EqualError(t, a.CopyFrom(b, 13), "copy of 13 positions of a cache that has room for 12")
	stranger, _ := toyEngine(t, toyProgram(t))
	require.EqualError(t, a.CopyFrom(toyCache(t, stranger), 1), "the cache (*gpu.cache) is of another engine")
}

// TestSpareCaches has sessions end without saying so: their memory, with its graphs, serves those that follow.
func TestSpareCaches(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	feed(t, e, toyCache(t, e), nil, prompt, 1, 1)
	n, _ := d.live()
	d.driver.memory = 0
	for range 3 {
		feed(t, e, toyCache(t, e), nil, prompt, 1, 1)
	}
	after, _ := d.live()
	require.Equal(t, n, after)
	require.Equal(t, 1, d.captures)
	c := toyCache(t, e)
	_, err := e.NewCache()
	require.EqualError(t, err, "cuda: another cache needs 0.0 GB, -0.0 GB free on device 0 (Fake): cuda: cuMemAlloc: CUDA_ERROR_2: fake")
	goruntime.KeepAlive(c)
}

func TestGraphs(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	a, b := toyCache(t, e), toyCache(t, e)
	feed(t, e, a, nil, prompt, 1, 1, 1, 1)
	require.Equal(t, 1, d.captures)
	require.Equal(t, 2, d.launches, "those that were captured")
	feed(t, e, b, nil, prompt, 4, 1, 1)
	feed(t, e, a, prompt[:4], prompt[4:], 1, 1)
	require.Equal(t, 2, d.captures)
	require.Equal(t, 6, d.launches)
	require.Equal(t, 3, d.overlaps, "all of a step but its first")
}

// Kernels read the symbols before they wait for their inputs, so the one after what moves on the past must not start early.
func TestNoStepStartsEarly(t *testing.T) {
	e, d := toyEngine(t, growing(t))
	c := toyCache(t, e)
	feed(t, e, c, nil, prompt, 4)
	launches, overlaps := d.launches, d.overlaps
	_, err := e.Greedy(t.Context(), c, prompt[4], 4, 3, func(int32) bool { return true })
	require.NoError(t, err)
	require.Equal(t, 3*4, d.launches-launches)
	require.Equal(t, 3*3, d.overlaps-overlaps)
}

// growing is the toy with a decode step of a group for each past position.
func growing(t testing.TB) *runtime.Program {
	p := toyProgram(t)
	p.Steps[0] = toyStep(p, runtime.Decode, runtime.Affine{Const: toyVocab}, appendOne, termsOfPast, headSum)
	return p
}

func TestGridOfThePast(t *testing.T) {
	e, d := toyEngine(t, growing(t))
	feed(t, e, toyCache(t, e), nil, prompt, 1, 1, 1, 3, 1)
	require.Zero(t, d.captures)
	require.Equal(t, 2+3+3+2+3, d.launches, "nothing is launched for no groups")
}

func TestOlderDevice(t *testing.T) {
	p := toyProgram(t)
	d := newFakeDriver(p)
	d.info.Overlap = false
	e, err := NewPicker(p, toyWeights(), anyCode, d, Options{})
	require.NoError(t, err)
	feed(t, e, toyCache(t, e), nil, prompt, 4, 1)
	require.Zero(t, d.device().overlaps)
	require.NoError(t, e.Close())
}

func TestProfile(t *testing.T) {
	p := toyProgram(t)
	var seen []string
	d := newFakeDriver(p)
	e, err := NewPicker(p, toyWeights(), anyCode, d, Options{Profile: func(node, kernel string, took time.Duration) {
		seen = append(seen, kernel+" for "+node)
		require.Equal(t, 2*time.Millisecond, took)
	}})
	require.NoError(t, err)
	feed(t, e, toyCache(t, e), nil, prompt, 2, 1)
	require.Equal(t, []string{
		"append for layers.0.append", "head_last for layers.0.head_last", "append_one for layers.0.append_one", "head_one for layers.0.head_one",
	}, seen)
	require.Zero(t, d.device().captures)
	require.NoError(t, e.Close())
}

// follow is what greedy decoding should yield.
func follow(history []int32, n int) []int32 {
	history = slices.Clone(history)
	for range n {
		history = append(history, sample.Greedy(toyWant(history)))
	}
	return history[len(history)-n:]
}

func TestGreedy(t *testing.T) {
	for name, p := range map[string]*runtime.Program{"graph": toyProgram(t), "launches": growing(t)} {
		t.Run(name, func(t *testing.T) {
			e, _ := toyEngine(t, p)
			c := toyCache(t, e)
			feed(t, e, c, nil, prompt, 2)
			for _, n := range []int{10, 1, 3, 9, 0} { // from the same place
				var got []int32
				made, err := e.Greedy(t.Context(), c, prompt[2], 2, n, func(id int32) bool {
					got = append(got, id)
					return true
				})
				require.NoError(t, err)
				require.Equal(t, n, made)
				require.Equal(t, follow(prompt[:3], n), append([]int32{}, got...))
			}
		})
	}
}

// TestGreedyStops ends generations early, whose further steps leave what is before them alone.
func TestGreedyStops(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	feed(t, e, c, nil, prompt, 2)
	for stop := 1; stop < 10; stop++ {
		left := stop
		made, err := e.Greedy(t.Context(), c, prompt[2], 2, 10, func(int32) bool { left--; return left > 0 })
		require.NoError(t, err)
		require.Equal(t, stop, made)
		require.True(t, d.idle())
		want := append(slices.Clone(prompt[:3]), follow(prompt[:3], made)...)
		feed(t, e, c, want[:made+2], want[made+2:], 1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	made, err := e.Greedy(ctx, c, prompt[2], 2, 10, func(int32) bool { cancel(); return true })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, made)
	require.True(t, d.idle())
	require.PanicsWithValue(t, "stop", func() {
		_, _ = e.Greedy(t.Context(), c, prompt[2], 2, 10, func(int32) bool { panic("stop") })
	})
	require.True(t, d.idle())
	feed(t, e, c, prompt[:2], prompt[2:], 1, 4)
	_, err = e.Greedy(t.Context(), c, 1, 3, 10, nil)
	require.EqualError(t, err, "step decode: 10 tokens after 3 do not fit the context of 12")
}

// TestGreedyNotFinite has a table with a row whose logits are no numbers.
func TestGreedyNotFinite(t *testing.T) {
	p := toyProgram(t)
	w := toyWeights()
	for _, bits := range []uint32{0x7fc00000, 0x7f800000} {
		binary.LittleEndian.PutUint32(w["table"][4*toyDim*6:], bits)
		e, err := NewPicker(p, w, anyCode, newFakeDriver(p), Options{})
		require.NoError(t, err)
		c := toyCache(t, e)
		_, err = e.Greedy(t.Context(), c, 6, 0, 10, func(int32) bool { return true })
		require.EqualError(t, err, "step decode at position 0: its logits are not all finite numbers")
		require.NoError(t, e.Close())
	}
}

// TestSlowSteps has the device take longer than the host waits without sleep.
func TestSlowSteps(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	sleep := func() {
		d.sleep(true)
		time.AfterFunc(3*alert, func() { d.sleep(false) })
	}
	sleep()
	feed(t, e, c, nil, prompt, 2)
	sleep()
	var got []int32
	_, err := e.Greedy(t.Context(), c, prompt[2], 2, 3, func(id int32) bool { got = append(got, id); return true })
	require.NoError(t, err)
	require.Equal(t, follow(prompt[:3], 3), got)
}

// TestHang has a device that does not end its work: a cancelled context ends the wait, and nothing calls the device again.
func TestHang(t *testing.T) {
	defer func(was time.Duration) { grace = was }(grace)
	grace = 5 * time.Millisecond
	p := toyProgram(t)
	d := newFakeDriver(p)
	e, err := NewPicker(p, toyWeights(), anyCode, d, Options{})
	require.NoError(t, err)
	c := toyCache(t, e)
	d.device().sleep(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = e.Step(ctx, runtime.Prefill, c, 0, prompt[:2])
	require.EqualError(t, err, "cuda: device 0 (Fake) has not ended its work 5ms after that was cancelled")
	calls := d.device().calls
	_, err = e.Step(t.Context(), runtime.Prefill, c, 0, prompt[:2])
	require.EqualError(t, err, "device 0 (Fake) is lost since: cuda: device 0 (Fake) has not ended its work 5ms after that was cancelled")
	require.NoError(t, e.Close())
	require.Equal(t, calls, d.device().calls)
	require.False(t, d.device().closed)
	d.device().sleep(false)
	require.NoError(t, d.device().Close())
}

func TestCancelled(t *testing.T) {
	e, d := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	feed(t, e, c, nil, prompt, 2)
	launches := d.launches
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err := e.Step(ctx, runtime.Prefill, c, 2, prompt[2:4])
	require.ErrorIs(t, err, context.Canceled)
	_, err = e.Greedy(ctx, c, 1, 2, 3, func(int32) bool { return true })
	require.ErrorIs(t, err, context.Canceled)
	_, err = e.RunStep(ctx, runtime.Decode, []int64{1, 2}, map[string][]byte{"tokens": make([]byte, 4)}, c)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, launches, d.launches)
	feed(t, e, c, prompt[:2], prompt[2:], 1, 2)
}

func TestRunStep(t *testing.T) {
	e, _ := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	tokens := func(ids ...int32) map[string][]byte {
		b := []byte{}
		for _, id := range ids {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		return map[string][]byte{"tokens": b}
	}
	out, err := e.RunStep(t.Context(), runtime.Logits, []int64{2, 0}, tokens(3, 5), c)
	require.NoError(t, err)
	require.Equal(t, slices.Concat(toyWant([]int32{3}), toyWant([]int32{3, 5})), floats(out["logits"]))
	for _, x := range []struct {
		step    string
		symbols []int64
		in      map[string][]byte
		c       runtime.Cache
		want    string
	}{
		{"wrong", []int64{1, 0}, tokens(1), c, `the program has no step "wrong"`},
		{runtime.Decode, []int64{1}, tokens(1), c, "step decode: 1 values for the 2 symbols [S P]"},
		{runtime.Decode, []int64{1, 0}, tokens(1), nil, "the cache (<nil>) is of another engine"},
		{runtime.Decode, []int64{1, 0}, tokens(1, 2), c, "step decode: input tokens has 8 bytes, want 4"},
		{runtime.Decode, []int64{1, 0}, nil, c, "step decode: 0 inputs, want the 1 that it has"},
		{runtime.Logits, []int64{-1, 0}, tokens(), c, "step logits: port tokens: -1 elements of i32 at 0 leave the arena of 1024 bytes"},
		{runtime.Logits, []int64{500, 0}, tokens(), c, "step logits: port tokens: 500 elements of i32 at 0 leave the arena of 1024 bytes"},
	} {
		_, err := e.RunStep(t.Context(), x.step, x.symbols, x.in, x.c)
		if x.step == runtime.Logits {
			require.Error(t, err)
			continue
		}
		require.EqualError(t, err, x.want)
	}
	feed(t, e, toyCache(t, e), nil, prompt, 1, 3)
}

func TestRefusedSteps(t *testing.T) {
	e, _ := toyEngine(t, toyProgram(t))
	c := toyCache(t, e)
	for _, x := range []struct {
		step   string
		past   int
		tokens []int32
		want   string
	}{
		{"wrong", 0, prompt[:1], `the program has no step "wrong"`},
		{runtime.Decode, 0, prompt[:2], "step decode takes 1 to 1 tokens, got 2"},
		{runtime.Prefill, 0, prompt[:5], "step prefill takes 1 to 4 tokens, got 5"},
		{runtime.Prefill, 0, nil, "step prefill takes 1 to 4 tokens, got 0"},
		{runtime.Prefill, 9, prompt[:4], "step prefill: 4 tokens after 9 do not fit the context of 12"},
		{runtime.Prefill, -1, prompt[:1], "step prefill: 1 tokens after -1 do not fit the context of 12"},
		{runtime.Prefill, 0, []int32{1, 7}, "step prefill: token 1 is 7, outside the vocabulary of 7"},
	} {
		_, err := e.Step(t.Context(), x.step, c, x.past, x.tokens)
		require.EqualError(t, err, x.want)
	}
	require.NoError(t, e.Close())
	_, err := e.Step(t.Context(), runtime.Decode, c, 0, prompt[:1])
	require.EqualError(t, err, "the engine is closed")
	_, err = e.NewCache()
	require.EqualError(t, err, "the engine is closed")
	require.EqualError(t, c.CopyFrom(c, 1), "the engine is closed")
}
