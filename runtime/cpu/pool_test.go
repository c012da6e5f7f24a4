package cpu

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPoolRunsEachGroupOnce has launches of many sizes follow one another at once, with more threads than CPUs too.
func TestPoolRunsEachGroupOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8, 33} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			p := newPool(threads)
			defer p.close()
			var runs [300]atomic.Int32
			k := &Kernel{Name: "count", Run: func(_ *Args, _ []float32, g int) { runs[g].Add(1) }}
			for launch := range 1000 {
				groups := launch * 7 % len(runs)
				require.NoError(t, p.run(k, nil, groups))
				for g := range runs {
					want := int32(0)
					if g < groups {
						want = 1
					}
					require.Equal(t, want, runs[g].Swap(0), "launch %d of %d groups: group %d", launch, groups, g)
				}
			}
		})
	}
}

// TestPoolSleeps launches after pauses, so that workers and caller have gone to sleep.
func TestPoolSleeps(t *testing.T) {
	p := newPool(4)
	defer p.close()
	var sum atomic.Int64
	k := &Kernel{Name: "slow", Run: func(_ *Args, _ []float32, g int) {
		time.Sleep(time.Millisecond) // longer than the caller spins
		sum.Add(int64(g))
	}}
	for range 5 {
		time.Sleep(5 * time.Millisecond) // longer than a worker spins
		sum.Store(0)
		require.NoError(t, p.run(k, nil, 8))
		require.EqualValues(t, 28, sum.Load())
	}
}

// TestPoolScratch checks that no two groups that run at once share group memory.
func TestPoolScratch(t *testing.T) {
	p := newPool(4)
	defer p.close()
	p.reserve(16)
	var clashes atomic.Int32
	k := &Kernel{Name: "own", Run: func(_ *Args, scratch []float32, g int) {
		for i := range scratch {
			scratch[i] = float32(g)
		}
		runtime.Gosched()
		for _, v := range scratch {
			if v != float32(g) {
				clashes.Add(1)
			}
		}
	}}
	for range 100 {
		require.NoError(t, p.run(k, nil, 50))
	}
	require.Zero(t, clashes.Load())
}

func TestPoolPanic(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := newPool(threads)
		var ran atomic.Int32
		bad := &Kernel{Name: "bad", Run: func(a *Args, _ []float32, g int) {
			if g == 13 {
				_ = a.Ints[g]
			}
			ran.Add(1)
		}}
		for range 50 {
			err := p.run(bad, &Args{Ints: []int{1}}, 40)
			require.EqualError(t, err, "kernel bad: group 13: runtime error: index out of range [13] with length 1")
		}
		good := &Kernel{Name: "good", Run: func(*Args, []float32, int) { ran.Add(1) }}
		ran.Store(0)
		require.NoError(t, p.run(good, nil, 40), "after a failure")
		require.EqualValues(t, 40, ran.Load())
		p.close()
	}
}

func TestPoolClose(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newPool(5)
	require.NoError(t, p.run(&Kernel{Run: func(*Args, []float32, int) {}}, nil, 9))
	p.close()
	p.close()
	require.ErrorIs(t, p.run(&Kernel{}, nil, 9), errClosed)
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

// BenchmarkLaunch is a launch of nothing, and of 100 µs of work; its workers are awake, or asleep after a pause that is not timed.
func BenchmarkLaunch(b *testing.B) {
	for _, x := range []struct {
		name  string
		spin  int // steps of work in each group
		pause time.Duration
	}{
		{"empty", 0, 0},
		{"work", 2500, 0},
		{"asleep", 0, 2 * time.Millisecond},
	} {
		for _, threads := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/threads=%d", x.name, threads), func(b *testing.B) {
				p := newPool(threads)
				defer p.close()
				k := &Kernel{Run: func(_ *Args, scratch []float32, g int) { scratch[0] = busy(float32(g), x.spin) }}
				p.reserve(1)
				b.ReportAllocs()
				launched := time.Duration(0)
				for range b.N {
					if x.pause > 0 {
						time.Sleep(x.pause)
					}
					start := time.Now()
					if err := p.run(k, nil, 16); err != nil {
						b.Fatal(err)
					}
					launched += time.Since(start)
				}
				b.ReportMetric(float64(launched.Nanoseconds())/float64(b.N), "ns/launch")
			})
		}
	}
}

// busy is n dependent steps of arithmetic.
func busy(x float32, n int) float32 {
	for range n {
		x = x*0.5 + 1
	}
	return x
}
