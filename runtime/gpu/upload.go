package gpu

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"sync"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

const (
	stageBytes = 16 << 20 // of each of two pinned buffers
	partBytes  = 1 << 20  // that are worth a goroutine
	copiers    = 8        // goroutines that fill a buffer: one does not keep up with the bus
)

// stage is a pinned buffer on the way to the device.
type stage struct {
	mem   []byte
	taken device.Event // the device has what the buffer held
	used  bool
}

// upload has the device read the weights in place where it can, and copies the others through two pinned buffers: while the device
// takes one, the host fills the other.
func (e *Engine) upload(w runtime.Weights) (err error) {
	var stages [2]stage
	defer func() {
		err = e.finish(context.Background(), err)
		for _, s := range stages {
			if s.mem == nil || e.lost != nil {
				continue
			}
			if freed := e.ctx.FreePinned(s.mem); err == nil {
				err = freed
			}
		}
	}()
	turn := 0
	for i := range e.program.Weights {
		t := &e.program.Weights[i]
		data, err := w.Data(t)
		if err == nil && int64(len(data)) != t.Bytes {
			err = fmt.Errorf("%d bytes of data, the program has %d", len(data), t.Bytes)
		}
		mapped := false
		if err == nil {
			mapped, err = e.place(i, data)
		}
		for at := 0; at < len(data) && err == nil && !mapped; at += stageBytes {
			part := data[at:min(at+stageBytes, len(data))]
			err = e.send(&stages[turn%2], e.mem.weights[i]+device.Ptr(at), part)
			turn++
		}
		if err != nil {
			return fmt.Errorf("weight %s: %w", t.Name, err)
		}
	}
	return nil
}

// place finds out where a weight's bytes will lie, and whether that is where they are.
func (e *Engine) place(i int, data []byte) (mapped bool, err error) {
	m, maps := e.ctx.(device.Mapper)
	if !maps || len(data) == 0 {
		return false, nil
	}
	p, err := m.Map(data)
	if errors.Is(err, device.ErrNotMapped) {
		e.mem.weights[i], err = e.ctx.Alloc(up(int64(len(data))))
		return false, err
	}
	e.mem.weights[i], e.mem.mapped = p, append(e.mem.mapped, data) // kept, as the device does not keep it
	return err == nil, err
}

// send queues the copy of data to the device, once the stage is free.
func (e *Engine) send(s *stage, dst device.Ptr, data []byte) (err error) {
	if s.mem == nil {
		if s.mem, _, err = e.ctx.Pinned(stageBytes); err != nil {
			return fmt.Errorf("staging memory: %w", err)
		}
		if s.taken, err = e.ctx.NewEvent(); err != nil {
			return err
		}
	}
	if s.used {
		if err := e.until(context.Background(), s.taken); err != nil {
			return err
		}
	}
	if err := fill(s.mem, data); err != nil {
		return err
	}
	s.used = true
	if err := e.ctx.CopyIn(dst, s.mem[:len(data)], e.stream); err != nil {
		return err
	}
	return e.ctx.Record(s.taken, e.stream)
}

// fill copies with several goroutines.
func fill(dst, src []byte) error {
	n := max(1, min(len(src)/partBytes, copiers, goruntime.GOMAXPROCS(0)))
	part := (len(src) + n - 1) / n
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			from := min(i*part, len(src))
			errs[i] = fillPart(dst[from:], src[from:min(from+part, len(src))])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fillPart copies from memory that may be a file's which has become shorter, or which cannot be read.
func fillPart(dst, src []byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("its bytes cannot be read: %v", cause)
		}
	}()
	copy(dst, src)
	return nil
}
