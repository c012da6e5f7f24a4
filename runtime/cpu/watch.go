package cpu

import (
	"fmt"
	"slices"
	"time"

	"github.com/llorch/llorch/runtime"
)

var _ runtime.Watched = (*Engine)(nil)

// Watch implements runtime.Watched.
func (e *Engine) Watch(see func(runtime.Launched) error) { e.see = see }

// show tells the watcher of a launch of s on c.
func (e *Engine) show(s *step, i int, c *cache, took time.Duration) error {
	return e.see(runtime.Launched{Step: s.spec.Name, Index: i, Time: took, Read: func(r runtime.Ref) ([]byte, error) {
		var mem []byte
		switch {
		case r.Space == runtime.Arena:
			mem = e.arena[:s.spec.Arena]
		case r.Space == runtime.Weight && r.Index >= 0 && r.Index < len(e.weights):
			mem = e.weights[r.Index]
		case r.Space == runtime.State && c != nil && r.Index >= 0 && r.Index < len(c.states):
			mem = c.states[r.Index]
		default:
			return nil, fmt.Errorf("step %s has no %s %d", s.spec.Name, r.Space, r.Index)
		}
		n := r.Bytes
		if n == 0 && r.Space != runtime.Arena {
			n = int64(len(mem)) - r.Offset
		}
		if r.Offset < 0 || n < 0 || r.Offset > int64(len(mem))-n {
			return nil, fmt.Errorf("%d bytes at %d of a %s of %d bytes", n, r.Offset, r.Space, len(mem))
		}
		return slices.Clone(mem[r.Offset : r.Offset+n]), nil
	}})
}
