package kernel

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const joining = `func f(x in_f32, parts state_f32, y out_f32, R int, G int, E int) {
	grid(r, R)
	grid(g, G)
	group(a, G*E+2)
	for i := range lanes(G*E + 2) {
		a[i] = x[i] * float(r*G+g+1)
	}
	for s := range joined(G, parts, a, E, 2) {
		for i := range lanes(E) {
			total := sum(k, G, parts[(r*G+k)*(G*E+2)+s*E+i]+parts[(r*G+k)*(G*E+2)+G*E+1])
			y[(r*G+s)*E+i] = total
		}
	}
}
`

// joinWant is what joining leaves in y.
func joinWant(x []float32, R, G, E int) (y []float64) {
	for r := range R {
		for i := range G * E {
			total := 0.0
			for k := range G {
				total += float64(x[i]+x[G*E+1]) * float64(r*G+k+1)
			}
			y = append(y, total)
		}
	}
	return y
}

// TestJoin: groups put together what all of them left, also when several run at a time, in any order, and in the next launch.
func TestJoin(t *testing.T) {
	const R, G, E = 2, 3, 4
	x := make([]float32, G*E+2)
	for i := range x {
		x[i] = float32(i + 1)
	}
	for _, opt := range bothOrders {
		p, err := Interpret(parsed(t, joining), opt)
		require.NoError(t, err)
		for range 2 {
			y := mem(F32, make([]float32, R*G*E)...)
			bufs := []*Mem{mem(F32, x...), mem(F32, make([]float32, R*G*(G*E+2))...), y}
			var all sync.WaitGroup
			for g := range R * G {
				all.Go(func() {
					if err := p.Run(bufs, []int64{R, G, E}, nil, make([]float32, G*E+2), R*G-1-g); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			near(t, joinWant(x, R, G, E), y.values(), 1e-6)
		}
	}
}

// TestJoinBound: one group has no axis, and joins with nobody.
func TestJoinBound(t *testing.T) {
	const R, E = 2, 4
	k, err := Bind(parsed(t, joining), Binding{Ints: []Expr{I(R), I(1), I(E)}})
	require.NoError(t, err)
	require.NoError(t, Verify(k))
	x, y := []float32{1, 2, 3, 4, 5, 6}, mem(F32, make([]float32, R*E)...)
	runAll(t, k, bothOrders[0], []*Mem{mem(F32, x...), mem(F32, make([]float32, R*6)...), y}, nil)
	near(t, joinWant(x, R, 1, E), y.values(), 1e-6)
}

// TestJoinFaults: what a share may not load shows, and so do parts that have no room.
func TestJoinFaults(t *testing.T) {
	text := `func f(parts state_f32, y out_f32, E int) {
	grid(g, 2)
	group(a, 8)
	for i := range lanes(8) {
		a[i] = 1.0
	}
	for s := range joined(2, parts, a, E, 2) {
		y[s] = parts[8+(1-s)*E]
	}
}
`
	y := mem(F32, 0, 0)
	runAll(t, parsed(t, text), bothOrders[0], []*Mem{mem(F32, make([]float32, 16)...), y}, []int64{3})
	require.True(t, slices.ContainsFunc(y.values(), func(v float32) bool { return math.IsNaN(float64(v)) }))
	for e, want := range map[int64]string{
		-1: "kernel f, group 0: joined: shares of -1 elements, and 2 for all",
		4:  "kernel f, group 0: store parts[0:20]: parts has 16 elements",
	} {
		err := tryAll(parsed(t, text), Options{}, []*Mem{mem(F32, make([]float32, 16)...), y}, []int64{e})
		require.EqualError(t, err, want)
	}
}
