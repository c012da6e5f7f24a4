package gpu

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/sample"
)

// session uses an engine in every way that there is. Each stage can be run again when it failed.
type session struct {
	e    *Picker
	a, b runtime.Cache
}

var stages = []struct {
	name string
	run  func(s *session) error
}{
	{"first cache", func(s *session) (err error) { s.a, err = s.e.NewCache(); return err }},
	{"second cache", func(s *session) (err error) { s.b, err = s.e.NewCache(); return err }},
	{"prefill", func(s *session) error { return s.step(runtime.Prefill, s.a, 0, 3) }},
	{"decode", func(s *session) error { return s.step(runtime.Decode, s.a, 3, 1) }},
	{"decode again", func(s *session) error { return s.step(runtime.Decode, s.a, 4, 1) }},
	{"copy", func(s *session) error { return s.b.CopyFrom(s.a, 5) }},
	{"logits", func(s *session) error { return s.step(runtime.Logits, s.b, 5, 2) }},
	{"greedy", func(s *session) error {
		var got []int32
		_, err := s.e.Greedy(context.Background(), s.b, prompt[5], 5, 4, func(id int32) bool { got = append(got, id); return true })
		if want := follow(prompt[:6], 4); err == nil && !slices.Equal(want, got) {
			return fmt.Errorf("chose %v, want %v", got, want)
		}
		return err
	}},
	{"candidates", func(s *session) error {
		got, _, _, err := s.e.Candidates(context.Background(), s.b, 5, prompt[5])
		if want := sorted(toyWant(prompt[:6])); err == nil && !slices.Equal(want, got) {
			return fmt.Errorf("candidates %v, want %v", got, want)
		}
		return err
	}},
	{"row", func(s *session) error {
		got, err := s.e.Row(context.Background())
		if err == nil && !slices.Equal(toyWant(prompt[:6]), got) {
			return errors.New("wrong row")
		}
		return err
	}},
	{"any step", func(s *session) error {
		in := map[string][]byte{"tokens": binary.LittleEndian.AppendUint32(nil, uint32(prompt[5]))}
		out, err := s.e.RunStep(context.Background(), runtime.Decode, []int64{1, 5}, in, s.b)
		if err == nil && !slices.Equal(toyWant(prompt[:6]), floats(out["logits"])) {
			return errors.New("wrong logits")
		}
		return err
	}},
	{"bandwidth", func(s *session) error { _, _, err := s.e.bandwidth(context.Background(), 1<<12); return err }},
}

// step runs n tokens of the prompt.
func (s *session) step(name string, c runtime.Cache, past, n int) error {
	got, err := s.e.Step(context.Background(), name, c, past, prompt[past:past+n])
	if err == nil && !slices.Equal(toyWant(prompt[:past+n]), got[len(got)-toyVocab:]) {
		return fmt.Errorf("logits %v, want %v", got, toyWant(prompt[:past+n]))
	}
	return err
}

// failing is a driver whose n-th call fails.
func failing(p *runtime.Program, n int, code int) (d *fakeDriver, calls *int) {
	d, calls = newFakeDriver(p), new(int)
	d.fail = func(call string) error {
		if *calls++; *calls == n {
			return fault(call, code)
		}
		return nil
	}
	return d, calls
}

// TestFaults lets each call of the driver fail in turn. It is told once and clearly, costs no memory, and what failed succeeds when
// it is tried again.
func TestFaults(t *testing.T) {
	for name, p := range map[string]*runtime.Program{"graph": toyProgram(t), "launches": growing(t)} {
		t.Run(name, func(t *testing.T) {
			allocations := 0
			for n := 0; ; n++ { // 0: none fails
				d, calls := failing(p, n, outOfMemory)
				leaked := 0
				failed, live := useWith(t, p, d, func(stage string, err error) {
					var call *driver.Error
					require.ErrorAs(t, err, &call, stage)
					require.NotContains(t, err.Error(), "\n", "call %d", n)
					if strings.Contains(call.Call, "Free") && stage != "new" {
						leaked = 1 // it was this that failed
					}
				})
				if n == 0 {
					require.Zero(t, failed)
					allocations = live
				}
				if n > 0 && *calls >= n && failed == 0 {
					t.Fatalf("call %d failed, and no one heard of it", n)
				}
				require.Equal(t, allocations+leaked, live, "call %d", n)
				if *calls < n {
					t.Logf("%d calls failed in turn", n-1)
					return
				}
			}
		})
	}
}

// useWith makes an engine and runs all stages, each again if it fails. It counts the failures,
// and what is allocated in the end.
func useWith(t *testing.T, p *runtime.Program, d *fakeDriver, heard func(stage string, err error)) (failed, allocations int) {
	again := func(stage string, run func() error) {
		err := run()
		if err != nil {
			failed++
			heard(stage, err)
			err = run()
		}
		require.NoError(t, err, "%s, again", stage)
	}
	s := &session{}
	again("new", func() (err error) {
		if s.e, err = NewPicker(p, toyWeights(), anyCode, d, Options{}); err != nil && len(d.opened) > 0 {
			require.True(t, d.device().closed)
		}
		return err
	})
	for _, stage := range stages {
		again(stage.name, func() error { return stage.run(s) })
	}
	allocations, _ = d.device().live()
	d.fail = nil
	require.NoError(t, s.e.Close())
	return failed, allocations
}

// TestLost loses the device in each call in turn. Everything after that is refused at once.
func TestLost(t *testing.T) {
	p := toyProgram(t)
	for n := 1; ; n++ {
		d, calls := failing(p, n, illegalAddress)
		s := &session{}
		var err error
		if s.e, err = NewPicker(p, toyWeights(), anyCode, d, Options{}); err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.True(t, len(d.opened) == 0 || d.device().closed)
			continue
		}
		lost := error(nil)
		for _, stage := range stages {
			if lost == nil {
				if lost = stage.run(s); lost != nil {
					require.NotContains(t, lost.Error(), "\n")
					*calls = n // count from here on
				}
				continue
			}
			if s.a == nil || s.b == nil { // there is nothing to use
				break
			}
			require.EqualError(t, stage.run(s), "device 0 (Fake) is lost since: "+lost.Error(), "call %d, %s", n, stage.name)
		}
		if lost == nil {
			return
		}
		require.Equal(t, n, *calls, "calls after the device was lost")
		_, err = s.e.NewCache()
		require.ErrorIs(t, err, lost)
		require.NoError(t, s.e.Close())
		require.NoError(t, s.e.Close())
		require.True(t, d.device().closed)
	}
}

// TestKernelFault has a kernel leave its memory, which the host hears of while it waits.
func TestKernelFault(t *testing.T) {
	run := map[string]func(e *Picker, c runtime.Cache) error{
		"step": func(e *Picker, c runtime.Cache) error {
			_, err := e.Step(t.Context(), runtime.Decode, c, 0, []int32{1})
			return err
		},
		"greedy": func(e *Picker, c runtime.Cache) error {
			_, err := e.Greedy(t.Context(), c, 1, 0, 5, func(int32) bool { return true })
			return err
		},
	}
	for name, run := range run {
		t.Run(name, func(t *testing.T) {
			p := toyProgram(t)
			p.Steps[0].Launches[1].Bufs[1].Offset = 1008 // of 1024
			e, err := NewPicker(p, toyWeights(), anyCode, newFakeDriver(p), Options{})
			require.ErrorContains(t, err, "step decode: launch 1 (layers.0.head_one): kernel head_one: buffer y: 112 bytes at 1008 of an arena of 1024")
			require.Nil(t, e)
			p.Steps[0].Launches[1].Bufs[1].Bytes = 16
			e, err = NewPicker(p, toyWeights(), anyCode, newFakeDriver(p), Options{})
			require.NoError(t, err)
			c := toyCache(t, e)
			err = run(e, c)
			require.ErrorContains(t, err, "cuda: cuEventQuery (after kernel head_one for layers.0.head_one): CUDA_ERROR_ILLEGAL_ADDRESS: kernel head_one, group 4: store y[4]: ")
			require.ErrorContains(t, run(e, c), "device 0 (Fake) is lost since: cuda: cuEventQuery (after kernel head_one for layers.0.head_one)")
			require.NoError(t, e.Close())
		})
	}
}

func TestTooLittleMemory(t *testing.T) {
	p := toyProgram(t)
	d := newFakeDriver(p)
	d.info.Name, d.info.Index, d.memory = "NVIDIA H100", 2, 9_800_000_000
	p.Weights[0].Shape, p.Weights[0].Bytes = []int64{3_300_000_000}, 13_200_000_000
	p.States[0].Shape, p.States[0].Bytes = []int64{275_000_000}, 1_100_000_000
	p.Steps[1].Arena = 700_000_000 - slack
	_, err := NewPicker(p, toyWeights(), anyCode, d, Options{})
	require.EqualError(t, err, "cuda: toy needs 15.0 GB (weights 13.2, cache 1.1, arena 0.7), 9.8 GB free on device 2 (NVIDIA H100): no context would fit")
	require.True(t, d.device().closed)
	require.Equal(t, 2, d.device().calls, "nothing was loaded")
}

// TestWeights has weights that are not the program's.
func TestWeights(t *testing.T) {
	p := toyProgram(t)
	short := toyWeights()
	short["table"] = short["table"][:80]
	for want, w := range map[string]runtime.Weights{
		"weight table: 80 bytes of data, the program has 84": short,
		"weight unused: no such file":                        brokenWeights{},
	} {
		d := newFakeDriver(p)
		_, err := NewPicker(p, w, anyCode, d, Options{})
		require.EqualError(t, err, want)
		require.True(t, d.device().closed)
	}
}

type brokenWeights struct{}

func (brokenWeights) Data(*runtime.Tensor) ([]byte, error) { return nil, errors.New("no such file") }
func (brokenWeights) Close() error                         { return nil }

// TestUpload moves a weight of several stages, of a length that no part divides.
func TestUpload(t *testing.T) {
	p := toyProgram(t)
	n := int64(5*stageBytes/2 + 12)
	p.Weights[0].Shape, p.Weights[0].Bytes = []int64{n / 4}, n
	w := toyWeights()
	w["unused"] = make([]byte, n)
	for i := range w["unused"] {
		w["unused"][i] = byte(i ^ i>>8 ^ i>>16)
	}
	d := newFakeDriver(p)
	e, err := NewPicker(p, w, anyCode, d, Options{})
	require.NoError(t, err)
	for i := range p.Weights {
		got, err := d.device().span(e.mem.weights[i], int(p.Weights[i].Bytes))
		require.NoError(t, err)
		require.True(t, slices.Equal(w[p.Weights[i].Name], got))
		require.Zero(t, e.mem.weights[i]%align)
	}
	feed(t, e, toyCache(t, e), nil, prompt, 3, 1)
	require.NoError(t, e.Close())
}

// TestGreedyAgrees holds what the device chooses against the host's choice from its logits, ties included.
func TestGreedyAgrees(t *testing.T) {
	p := toyProgram(t)
	w := toyWeights()
	clear(w["table"]) // the heads alone tell positions apart
	e, err := NewPicker(p, w, anyCode, newFakeDriver(p), Options{})
	require.NoError(t, err)
	a, b := toyCache(t, e), toyCache(t, e)
	var got []int32
	_, err = e.Greedy(t.Context(), a, 1, 0, toyContext, func(id int32) bool { got = append(got, id); return true })
	require.NoError(t, err)
	token := int32(1)
	for i := range toyContext {
		logits, err := e.Step(t.Context(), runtime.Decode, b, i, []int32{token})
		require.NoError(t, err)
		token = sample.Greedy(logits)
		require.Equal(t, token, got[i])
	}
	require.NoError(t, e.Close())
}

func TestErrorsNameTheLaunch(t *testing.T) {
	p := growing(t)
	d := newFakeDriver(p)
	e, err := NewPicker(p, toyWeights(), anyCode, d, Options{})
	require.NoError(t, err)
	c := toyCache(t, e)
	d.fail = func(call string) error {
		if strings.HasPrefix(call, "Launch") {
			return &driver.Error{Call: call, Name: "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", What: "kernel " + d.device().launching}
		}
		return nil
	}
	_, err = e.Step(t.Context(), runtime.Decode, c, 0, []int32{1})
	require.EqualError(t, err, "cuda: LaunchKernelEx (kernel append_one for layers.0.append_one): CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES")
	d.fail = nil
	require.NoError(t, e.Close())
}
