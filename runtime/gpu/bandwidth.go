package gpu

import (
	"context"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// Bandwidth is the most bytes a second that the device's memory moves in a copy, counted read and written, with a buffer of so many
// bytes.
func (e *Engine) Bandwidth(ctx context.Context) (perSecond float64, buffer int64, err error) {
	return e.bandwidth(ctx, 1<<30) // many times the caches
}

// bandwidth uses a buffer of at most so many bytes.
func (e *Engine) bandwidth(ctx context.Context, most int64) (perSecond float64, buffer int64, err error) {
	if err := e.alive(); err != nil {
		return 0, 0, err
	}
	free, _, err := e.ctx.MemInfo()
	if err != nil {
		return 0, 0, e.failed(err)
	}
	buffer = max(align, min(most, free/4)&^(align-1))
	p, err := e.ctx.Alloc(2 * buffer)
	if err != nil {
		return 0, 0, e.failed(err)
	}
	for i := 0; i < repetitions && err == nil; i++ {
		var seconds float64
		seconds, err = e.timedCopies(ctx, p, buffer)
		perSecond = max(perSecond, 2*copies*float64(buffer)/seconds)
	}
	if err = e.finish(ctx, err); e.lost != nil {
		return 0, 0, err
	}
	if freed := e.failed(e.ctx.Free(p)); err == nil {
		err = freed
	}
	return perSecond, buffer, err
}

const (
	repetitions = 5
	copies      = 4 // of a repetition
)

func (e *Engine) timedCopies(ctx context.Context, p device.Ptr, n int64) (seconds float64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := e.ctx.Record(e.begin, e.stream); err != nil {
		return 0, err
	}
	for range copies {
		if err := e.ctx.Copy(p+device.Ptr(n), p, n, e.stream); err != nil {
			return 0, err
		}
	}
	if err := e.wait(ctx); err != nil {
		return 0, err
	}
	ms, err := e.ctx.Elapsed(e.begin, e.done)
	return float64(ms) / 1000, err
}
