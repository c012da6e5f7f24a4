package cuda

import (
	"context"
	"errors"

	"github.com/llorch/llorch/runtime/cuda/driver"
)

// Bandwidth is the most bytes a second that the device's memory moves in a copy, counted read and written, with a buffer of so many
// bytes.
func (e *Engine) Bandwidth(ctx context.Context) (perSecond float64, buffer int64, err error) {
	if err := e.alive(); err != nil {
		return 0, 0, err
	}
	perSecond, buffer, err = e.bandwidth(ctx)
	return perSecond, buffer, e.failed(err)
}

func (e *Engine) bandwidth(ctx context.Context) (perSecond float64, buffer int64, err error) {
	free, _, err := e.ctx.MemInfo()
	if err != nil {
		return 0, 0, err
	}
	const most, least = 1 << 30, 64 << 20 // many times the caches
	buffer = max(least, min(most, free/4)) &^ (align - 1)
	p, err := e.ctx.Alloc(2 * buffer)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if err = e.finish(ctx, err); e.lost == nil {
			err = errors.Join(err, e.ctx.Free(p))
		}
	}()
	from, err := e.ctx.NewEvent()
	if err != nil {
		return 0, 0, err
	}
	to, err := e.ctx.NewEvent()
	if err != nil {
		return 0, 0, err
	}
	for range 5 {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		seconds, err := e.timedCopies(ctx, from, to, p, buffer)
		if err != nil {
			return 0, 0, err
		}
		perSecond = max(perSecond, 2*copies*float64(buffer)/seconds)
	}
	return perSecond, buffer, nil
}

const copies = 4 // of a measurement

func (e *Engine) timedCopies(ctx context.Context, from, to driver.Event, p driver.Ptr, n int64) (seconds float64, err error) {
	if err := e.ctx.Record(from, e.stream); err != nil {
		return 0, err
	}
	for range copies {
		if err := e.ctx.Copy(p+driver.Ptr(n), p, n, e.stream); err != nil {
			return 0, err
		}
	}
	if err := e.ctx.Record(to, e.stream); err != nil {
		return 0, err
	}
	if err := e.wait(ctx); err != nil {
		return 0, err
	}
	ms, err := e.ctx.Elapsed(from, to)
	return float64(ms) / 1000, err
}
