package cpu

import (
	"fmt"

	"github.com/llorch/llorch/runtime"
)

// cache is one sequence's KV memory: a slice for each of the program's states. The system gives its pages when they are
// first written.
type cache struct {
	engine *Engine
	states [][]byte
}

// NewCache implements runtime.Engine.
func (e *Engine) NewCache() (runtime.Cache, error) {
	c := &cache{engine: e}
	for i := range e.program.States {
		c.states = append(c.states, alignedBytes(e.program.States[i].Bytes))
	}
	return c, nil
}

// Bytes implements runtime.Cache.
func (c *cache) Bytes() int64 {
	n := int64(0)
	for _, s := range c.states {
		n += int64(len(s))
	}
	return n
}

// CopyFrom implements runtime.Cache.
func (c *cache) CopyFrom(src runtime.Cache, n int) error {
	from, err := c.engine.own(src)
	if err != nil {
		return err
	}
	if n < 0 || n > c.engine.program.Context {
		return fmt.Errorf("copy of %d positions of a cache that has room for %d", n, c.engine.program.Context)
	}
	for i := range c.states {
		copyPositions(&c.engine.program.States[i], c.states[i], from.states[i], n)
	}
	return nil
}

// copyPositions copies the first n positions along s's context axis: a run of bytes for each index of the axes before it.
func copyPositions(s *runtime.StateBuffer, dst, src []byte, n int) {
	outer := int64(1)
	for _, d := range s.Shape[:s.Ctx] {
		outer *= d
	}
	if outer == 0 {
		return
	}
	stride := s.Bytes / outer
	run := stride / s.Shape[s.Ctx] * int64(n)
	for at := int64(0); at < s.Bytes; at += stride {
		copy(dst[at:at+run], src[at:at+run])
	}
}

// own is c as a cache of e.
func (e *Engine) own(c runtime.Cache) (*cache, error) {
	own, ok := c.(*cache)
	if !ok || own == nil || own.engine != e {
		return nil, fmt.Errorf("the cache (%T) is of another engine", c)
	}
	return own, nil
}
