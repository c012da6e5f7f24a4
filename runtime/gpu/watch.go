package gpu

import (
	"context"
	"fmt"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

var _ runtime.Watched = (*Engine)(nil)

// Watch implements runtime.Watched.
func (e *Engine) Watch(see func(runtime.Launched) error) { e.see = see }

// oneByOne reports that each launch is waited for, and in no graph.
func (e *Engine) oneByOne() bool { return e.profile != nil || e.block || e.see != nil }

// show tells the watcher of a launch of s on m.
func (e *Engine) show(ctx context.Context, s *step, i int, m *room, took time.Duration) error {
	return e.see(runtime.Launched{Step: s.spec.Name, Index: i, Time: took, Read: func(r runtime.Ref) ([]byte, error) {
		base, all, err := e.memoryOf(s, m, r)
		if err != nil {
			return nil, err
		}
		n := r.Bytes
		if n == 0 && r.Space != runtime.Arena {
			n = all - r.Offset
		}
		if r.Offset < 0 || n < 0 || r.Offset > all-n {
			return nil, fmt.Errorf("%d bytes at %d of a %s of %d bytes", n, r.Offset, r.Space, all)
		}
		out := make([]byte, n)
		if n == 0 {
			return out, nil
		}
		return out, e.finish(ctx, e.ctx.CopyOut(out, base+device.Ptr(r.Offset), e.stream))
	}})
}

// memoryOf is where the memory that r is of begins, and its size.
func (e *Engine) memoryOf(s *step, m *room, r runtime.Ref) (device.Ptr, int64, error) {
	switch p := e.program; {
	case r.Space == runtime.Arena:
		return e.mem.arena, s.spec.Arena, nil
	case r.Space == runtime.Weight && r.Index >= 0 && r.Index < len(p.Weights):
		return e.mem.weights[r.Index], p.Weights[r.Index].Bytes, nil
	case r.Space == runtime.State && m != nil && r.Index >= 0 && r.Index < len(p.States):
		return m.states[r.Index], p.States[r.Index].Bytes, nil
	}
	return 0, 0, fmt.Errorf("step %s has no %s %d", s.spec.Name, r.Space, r.Index)
}
