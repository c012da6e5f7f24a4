package cuda

import (
	"errors"
	"fmt"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
)

const (
	align     = 256      // of what kernels load from
	stepWords = 4096     // of step memory
	slack     = 64 << 20 // that the driver wants besides: code, local memory
	stageSize = 16 << 20 // of each of two pinned buffers
	countsAt  = 1024     // first word of the counts of arrive
)

// memory is what the engine has on the device.
type memory struct {
	weights []driver.Ptr // of each tensor
	blob    driver.Ptr   // that they lie in
	arena   driver.Ptr
	step    driver.Ptr
	host    []byte // pinned: see layout
	hostPtr driver.Ptr
}

// up rounds bytes up to whole lines.
func up(n int64) int64 { return (n + align - 1) / align * align }

// needs is the memory for the weights, the arena and one cache.
func needs(p *runtime.Program) (weights, cache, arena int64) {
	for i := range p.Weights {
		weights += up(p.Weights[i].Bytes)
	}
	for i := range p.States {
		cache += up(p.States[i].Bytes)
	}
	for i := range p.Steps {
		arena = max(arena, p.Steps[i].Arena)
	}
	return weights, cache, up(arena) + 4*stepWords
}

// fits refuses a program that the device has no room for, before anything is loaded.
func (e *Engine) fits() error {
	free, _, err := e.ctx.MemInfo()
	if err != nil {
		return err
	}
	weights, cache, arena := needs(e.program)
	if weights+cache+arena+slack > free {
		gb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e9) }
		return fmt.Errorf("cuda: needs %s GB (weights %s, KV cache %s, intermediates %s), %s GB free on device %d (%s)",
			gb(weights+cache+arena+slack), gb(weights), gb(cache), gb(arena+slack), gb(free), e.info.Index, e.info.Name)
	}
	return nil
}

// allocate takes memory and fills in the weights.
func (e *Engine) allocate(w runtime.Weights) (err error) {
	weights, _, arena := needs(e.program)
	if e.mem.blob, err = e.ctx.Alloc(max(weights, align)); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	if e.mem.arena, err = e.ctx.Alloc(max(arena, align)); err != nil {
		return fmt.Errorf("intermediates: %w", err)
	}
	if e.mem.step, err = e.ctx.Alloc(4 * stepWords); err != nil {
		return err
	}
	if err := e.ctx.Zero(e.mem.step, 4*stepWords, e.stream); err != nil {
		return err
	}
	if e.mem.host, e.mem.hostPtr, err = e.ctx.Pinned(hostBytes(e.program)); err != nil {
		return err
	}
	at := e.mem.blob
	for i := range e.program.Weights {
		e.mem.weights = append(e.mem.weights, at)
		at += driver.Ptr(up(e.program.Weights[i].Bytes))
	}
	return e.upload(w)
}

// upload copies the weights through two pinned buffers: while the device takes one, the host fills the other.
func (e *Engine) upload(w runtime.Weights) (err error) {
	var stages [2][]byte
	var taken [2]driver.Event
	defer func() {
		for _, s := range stages {
			if s != nil {
				err = errors.Join(err, e.ctx.FreePinned(s))
			}
		}
	}()
	for i := range stages {
		if stages[i], _, err = e.ctx.Pinned(stageSize); err != nil {
			return err
		}
		if taken[i], err = e.ctx.NewEvent(); err != nil {
			return err
		}
	}
	turn := 0
	for i := range e.program.Weights {
		t := &e.program.Weights[i]
		data, err := w.Data(t)
		if err != nil {
			return fmt.Errorf("weight %s: %w", t.Name, err)
		}
		if int64(len(data)) != t.Bytes {
			return fmt.Errorf("weight %s: %d bytes, want %d", t.Name, len(data), t.Bytes)
		}
		for at := 0; at < len(data); at += stageSize {
			if turn >= 2 {
				if err := e.until(taken[turn%2]); err != nil {
					return fmt.Errorf("weight %s: %w", t.Name, err)
				}
			}
			n := copy(stages[turn%2], data[at:])
			if err := e.ctx.CopyIn(e.mem.weights[i]+driver.Ptr(at), stages[turn%2][:n], e.stream); err != nil {
				return fmt.Errorf("weight %s: %w", t.Name, err)
			}
			if err := e.ctx.Record(taken[turn%2], e.stream); err != nil {
				return err
			}
			turn++
		}
	}
	return e.wait()
}

// until waits for an event.
func (e *Engine) until(ev driver.Event) error {
	for {
		if done, err := e.ctx.Query(ev); done || err != nil {
			return err
		}
	}
}

func (m *memory) free(ctx driver.Context) error {
	var errs []error
	for _, p := range []driver.Ptr{m.blob, m.arena, m.step} {
		if p != 0 {
			errs = append(errs, ctx.Free(p))
		}
	}
	if m.host != nil {
		errs = append(errs, ctx.FreePinned(m.host))
	}
	*m = memory{}
	return errors.Join(errs...)
}
