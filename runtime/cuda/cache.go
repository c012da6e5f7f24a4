package cuda

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
)

// cache is one sequence's KV memory. When no one refers to it any more its memory goes back to the engine, which has no other way
// to know that a session ended.
type cache struct{ *room }

// room is memory for a sequence, with the graphs that work on it.
type room struct {
	engine *Engine
	blob   driver.Ptr
	states []driver.Ptr
	graphs map[string]driver.Graph // by the step that they run
}

// rooms are those of an engine.
type rooms struct {
	all   []*room
	mu    sync.Mutex
	spare []*room // that no cache has
}

func (r *rooms) giveBack(m *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = append(r.spare, m)
}

func (r *rooms) take() *room {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.spare) == 0 {
		return nil
	}
	m := r.spare[len(r.spare)-1]
	r.spare = r.spare[:len(r.spare)-1]
	return m
}

// NewCache implements runtime.Engine.
func (e *Engine) NewCache() (runtime.Cache, error) {
	if err := e.alive(); err != nil {
		return nil, err
	}
	m := e.rooms.take()
	if m == nil {
		var err error
		if m, err = e.newRoom(); err != nil {
			return nil, e.failed(err)
		}
	}
	c := &cache{m}
	goruntime.AddCleanup(c, e.rooms.giveBack, m)
	return c, nil
}

// newRoom allocates; what sessions that ended held is looked at again when the device has no more.
func (e *Engine) newRoom() (*room, error) {
	m := &room{engine: e, graphs: map[string]driver.Graph{}}
	total := int64(0)
	for i := range e.program.States {
		total += up(e.program.States[i].Bytes)
	}
	total = max(total, align)
	var err error
	if m.blob, err = e.ctx.Alloc(total); err != nil {
		goruntime.GC()
		time.Sleep(10 * time.Millisecond) // cleanups run in a goroutine of their own
		if spare := e.rooms.take(); spare != nil {
			return spare, nil
		}
		return nil, err
	}
	e.rooms.all = append(e.rooms.all, m)
	at := m.blob
	for i := range e.program.States {
		m.states = append(m.states, at)
		at += driver.Ptr(up(e.program.States[i].Bytes))
	}
	return m, e.ctx.Zero(m.blob, total, e.stream)
}

// free gives the memory back to the device.
func (m *room) free() error {
	var errs []error
	for _, g := range m.graphs {
		errs = append(errs, m.engine.ctx.FreeGraph(g))
	}
	return errors.Join(append(errs, m.engine.ctx.Free(m.blob))...)
}

// Bytes implements runtime.Cache.
func (c *cache) Bytes() int64 {
	n := int64(0)
	for i := range c.engine.program.States {
		n += c.engine.program.States[i].Bytes
	}
	return n
}

// CopyFrom implements runtime.Cache.
func (c *cache) CopyFrom(src runtime.Cache, n int) error {
	e := c.engine
	from, err := e.own(src)
	if err != nil {
		return err
	}
	if n < 0 || n > e.program.Context {
		return fmt.Errorf("copy of %d positions of a cache that has room for %d", n, e.program.Context)
	}
	for i := range e.program.States {
		s := &e.program.States[i]
		outer := int64(1)
		for _, d := range s.Shape[:s.Ctx] {
			outer *= d
		}
		if outer == 0 || n == 0 {
			continue
		}
		stride := s.Bytes / outer
		run := stride / s.Shape[s.Ctx] * int64(n)
		for at := int64(0); at < s.Bytes; at += stride {
			if err := e.ctx.Copy(c.states[i]+driver.Ptr(at), from.states[i]+driver.Ptr(at), run, e.stream); err != nil {
				return e.failed(err)
			}
		}
	}
	return e.failed(e.wait())
}

// own is c as a cache of e.
func (e *Engine) own(c runtime.Cache) (*room, error) {
	own, ok := c.(*cache)
	if !ok || own == nil || own.engine != e {
		return nil, fmt.Errorf("the cache (%T) is of another engine", c)
	}
	return own.room, nil
}
