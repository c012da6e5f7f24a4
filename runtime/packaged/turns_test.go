package packaged

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
)

// slowEngine takes a second a step, gives the token that it got as logits from memory that all steps share, and notices when
// two steps run at once.
type slowEngine struct {
	mu     sync.Mutex
	logits [1]float32
	order  []int32
	closed int
}

type slowCache struct{ n int }

func (c *slowCache) Bytes() int64 { return 0 }

func (c *slowCache) CopyFrom(src runtime.Cache, n int) error {
	c.n = src.(*slowCache).n
	return nil
}

func (e *slowEngine) NewCache() (runtime.Cache, error) { return &slowCache{}, nil }

func (e *slowEngine) Step(ctx context.Context, _ string, c runtime.Cache, _ int, tokens []int32) ([]float32, error) {
	if !e.mu.TryLock() {
		return nil, errors.New("two steps at once")
	}
	defer e.mu.Unlock()
	time.Sleep(time.Second)
	e.order = append(e.order, tokens[0])
	e.logits[0] = float32(tokens[0])
	c.(*slowCache).n++
	return e.logits[:], nil
}

func (e *slowEngine) Close() error {
	if !e.mu.TryLock() {
		return errors.New("closed within a step")
	}
	defer e.mu.Unlock()
	e.closed++
	return nil
}

// TestTurns: steps come one at a time and in order, and their logits survive those of others.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEngine{}
		shared := newTurns(e)
		var wg sync.WaitGroup
		for i := range int32(4) {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				c, err := shared.NewCache()
				require.NoError(t, err)
				mine := []float32{}
				for range 3 {
					mine, err = shared.Step(t.Context(), runtime.Decode, c, 0, []int32{i})
					require.NoError(t, err)
				}
				time.Sleep(time.Minute)
				require.Equal(t, []float32{float32(i)}, mine)
				require.Equal(t, 3, c.(*sequence).Cache.(*slowCache).n)
			})
		}
		wg.Wait()
		require.Equal(t, slices.Repeat([]int32{0, 1, 2, 3}, 3), e.order)
	})
}

// TestTurnsEnd: who waits can be called off, and Close waits for the step that runs.
func TestTurnsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEngine{}
		shared := newTurns(e)
		c, err := shared.NewCache()
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := shared.Step(t.Context(), runtime.Decode, c, 0, []int32{1})
			require.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = shared.Step(ctx, runtime.Decode, c, 0, []int32{2})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, shared.Close())
		require.NoError(t, shared.Close())
		wg.Wait()
		require.Equal(t, 1, e.closed)
		_, err = shared.Step(t.Context(), runtime.Decode, c, 0, []int32{3})
		require.ErrorIs(t, err, errClosed)
		require.Equal(t, []int32{1}, e.order)
	})
}

func TestCopiesOfSequences(t *testing.T) {
	shared := newTurns(&slowEngine{})
	a, err := shared.NewCache()
	require.NoError(t, err)
	b, err := shared.NewCache()
	require.NoError(t, err)
	a.(*sequence).Cache.(*slowCache).n = 7
	require.NoError(t, b.CopyFrom(a, 7))
	require.Equal(t, 7, b.(*sequence).Cache.(*slowCache).n)
}
