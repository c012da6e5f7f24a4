package gpu

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// cache is one sequence's KV memory. When no one refers to it any more its room goes back to the engine, which has no other way
// to know that a session ended.
type cache struct{ *room }

// room is memory for a sequence, with the graphs that work on it.
type room struct {
	engine *Engine
	states []device.Ptr
	graphs map[string]device.Graph
}

// rooms are those of an engine that no cache has.
type rooms struct {
	mu    sync.Mutex
	spare []*room
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

// collect finds a room whose cache the garbage collector has yet to see.
func (r *rooms) collect() *room {
	for range 10 {
		goruntime.GC()
		time.Sleep(time.Millisecond) // cleanups run in a goroutine of their own
		if m := r.take(); m != nil {
			return m
		}
	}
	return nil
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
			return nil, err
		}
	}
	c := &cache{m}
	goruntime.AddCleanup(c, e.rooms.giveBack, m)
	return c, nil
}

// cacheBytes is the device memory of a cache.
func cacheBytes(p *runtime.Program) int64 {
	n := int64(0)
	for i := range p.States {
		n += up(p.States[i].Bytes)
	}
	return n
}

// newRoom allocates. When the device has no more, what sessions that ended held is looked for.
func (e *Engine) newRoom() (*room, error) {
	total := max(cacheBytes(e.program), align)
	blob, err := e.ctx.Alloc(total)
	if err != nil {
		if e.failed(err); e.lost != nil {
			return nil, err
		}
		if m := e.rooms.collect(); m != nil {
			return m, nil
		}
		free, _, memErr := e.ctx.MemInfo()
		if memErr != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: another cache needs %s GB, %s GB free on %s: %w", e.info.Target, gigabytes(total), gigabytes(free), e.device(), err)
	}
	if err := e.finish(context.Background(), e.ctx.Zero(blob, total, e.stream)); err != nil {
		if e.lost != nil {
			return nil, err
		}
		return nil, errors.Join(err, e.ctx.Free(blob))
	}
	m := &room{engine: e, graphs: map[string]device.Graph{}}
	for i := range e.program.States {
		m.states = append(m.states, blob)
		blob += device.Ptr(up(e.program.States[i].Bytes))
	}
	return m, nil
}

// Bytes implements runtime.Cache.
func (c *cache) Bytes() int64 { return c.engine.program.Memory().KV }

// CopyFrom implements runtime.Cache.
func (c *cache) CopyFrom(src runtime.Cache, n int) error {
	e := c.engine
	if err := e.alive(); err != nil {
		return err
	}
	from, err := e.own(src)
	if err != nil {
		return err
	}
	if n < 0 || n > e.program.Context {
		return fmt.Errorf("copy of %d positions of a cache that has room for %d", n, e.program.Context)
	}
	return e.finish(context.Background(), e.copyPositions(c.room, from, int64(n)))
}

// copyPositions queues copies of the first n positions of all states: a run of bytes for each index of the axes before the
// context's.
func (e *Engine) copyPositions(to, from *room, n int64) error {
	for i := range e.program.States {
		s := &e.program.States[i]
		stride := s.Bytes
		for _, d := range s.Shape[:s.Ctx] {
			stride /= d
		}
		run := stride / s.Shape[s.Ctx] * n
		for at := int64(0); at < s.Bytes && run > 0; at += stride {
			if err := e.ctx.Copy(to.states[i]+device.Ptr(at), from.states[i]+device.Ptr(at), run, e.stream); err != nil {
				return err
			}
		}
	}
	return nil
}

// own is c as a cache of e.
func (e *Engine) own(c runtime.Cache) (*room, error) {
	own, ok := c.(*cache)
	if !ok || own == nil || own.engine != e {
		return nil, fmt.Errorf("the cache (%T) is of another engine", c)
	}
	return own.room, nil
}
