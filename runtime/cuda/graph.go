package cuda

import (
	"time"

	"github.com/llorch/llorch/runtime/cuda/driver"
)

// graph runs what queue queues as one graph, which it captures the first time and keeps with the cache. Steps whose grids depend
// on the past are queued each time.
func (e *Engine) graph(m *room, s *step, key string, queue func() error) error {
	if !s.fixed || e.profile != nil || e.block {
		return queue()
	}
	g, ok := m.graphs[key]
	if !ok {
		var err error
		if g, err = e.ctx.Capture(e.stream, queue); err != nil {
			return err
		}
		m.graphs[key] = g
	}
	return e.ctx.Run(g, e.stream)
}

// start queues a launch. Where it is to be watched, it also waits for it.
func (e *Engine) start(l *launch) error {
	if e.profile == nil && !e.block {
		return e.ctx.Launch(l.call, e.stream)
	}
	err := e.ctx.Record(e.begin, e.stream)
	if err == nil {
		err = e.ctx.Launch(l.call, e.stream)
	}
	if err == nil {
		err = e.wait()
	}
	if err != nil {
		return named(err, l.call)
	}
	if e.profile != nil {
		ms, err := e.ctx.Elapsed(e.begin, e.done)
		if err != nil {
			return err
		}
		e.profile(l.spec.Node, e.program.Kernels[l.spec.Kernel].Name, time.Duration(float64(ms)*1e6))
	}
	return nil
}

// named puts a launch's name into an error of the driver that has none.
func named(err error, l driver.Launch) error {
	if call, ok := err.(*driver.Error); ok && call.What == "" {
		call.What = l.Name
	}
	return err
}
