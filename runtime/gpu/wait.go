package gpu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/llorch/llorch/runtime/gpu/device"
)

const (
	alert = 10 * time.Millisecond // of waiting without sleep, since most steps are shorter
	nap   = 20 * time.Microsecond
)

// grace is how long a step may take to end after it was cancelled. What takes longer hangs.
var grace = 30 * time.Second

// alive is the error that made the device unusable, if any has.
func (e *Engine) alive() error {
	if e.lost != nil && !errors.Is(e.lost, errClosed) {
		return fmt.Errorf("%s is lost since: %w", e.device(), e.lost)
	}
	return e.lost
}

// failed keeps an error that the device does not survive.
func (e *Engine) failed(err error) error {
	if device.Lost(err) && e.lost == nil {
		e.lost = err
	}
	return err
}

// finish waits for what is queued, after an error too: it may be using the engine's memory.
func (e *Engine) finish(ctx context.Context, err error) error {
	if e.failed(err); e.lost != nil {
		return err
	}
	waited := e.failed(e.wait(ctx))
	if waited != nil && e.lost == nil { // not for what was queued
		_ = e.failed(e.ctx.Synchronize(e.stream))
	}
	if err == nil {
		err = waited
	}
	return err
}

// wait waits for all that is queued.
func (e *Engine) wait(ctx context.Context) error {
	if err := e.ctx.Record(e.done, e.stream); err != nil {
		return err
	}
	return e.until(ctx, e.done)
}

// until waits for an event. A step cannot be stopped, so ctx only bounds how long the device may take from then on.
func (e *Engine) until(ctx context.Context, ev device.Event) error {
	start := time.Now()
	var cancelled time.Time
	for {
		done, err := e.ctx.Query(ev)
		if done || err != nil {
			return err
		}
		now := time.Now()
		if now.Sub(start) < alert {
			continue
		}
		time.Sleep(nap)
		if ctx.Err() == nil {
			continue
		}
		if cancelled.IsZero() {
			cancelled = now
		}
		if now.Sub(cancelled) > grace {
			e.lost = fmt.Errorf("%s: %s has not ended its work %v after that was cancelled", e.info.Target, e.device(), grace)
			e.hung = true
			return e.lost
		}
	}
}
