package gopkg

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

func num(c int64, coef ...int64) runtime.Affine { return runtime.Affine{Const: c, Coef: coef} }

// TestSpecialise: kernels before and after, and what is left of the launches' integers.
func TestSpecialise(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		launches            []runtime.Launch
		left                string
	}{
		{
			"what launches agree on becomes a literal, the rest moves up",
			`func k(x in_f32, y out_f32, A int, S int, B int, C int, scale float, eps float) {
				grid(t, S)
				group(acc, A*B)
				for i := range lanes(A) {
					y[t*A + i*B + C] = x[i] * scale + eps
				}
			}`,
			`func k(x in_f32, y out_f32, S int, C int, eps float) {
				grid(t, S)
				group(acc, 12)
				for i := range lanes(4) {
					y[t*4 + i*3 + C] = x[i] * 0.5 + eps
				}
			}`,
			[]runtime.Launch{
				{Ints: []runtime.Affine{num(4), num(0, 1, 0), num(3), num(7)}, Floats: []float32{0.5, 1}},
				{Ints: []runtime.Affine{num(4, 0, 0), num(0, 1, 0), num(3), num(8)}, Floats: []float32{0.5, 2}},
			},
			`[{"k":[1,0]},{"c":7}] [1] [{"k":[1,0]},{"c":8}] [2]`,
		},
		{
			"a launch whose number grows keeps the parameter, whichever comes first",
			`func k(y out_f32, S int) {
				grid(t, S)
				y[t] = 1.0
			}`,
			`func k(y out_f32, S int) {
				grid(t, S)
				y[t] = 1.0
			}`,
			[]runtime.Launch{{Ints: []runtime.Affine{num(1)}}, {Ints: []runtime.Affine{num(0, 1, 0)}}, {Ints: []runtime.Affine{num(1)}}},
			`[{"c":1}] null [{"k":[1,0]}] null [{"c":1}] null`,
		},
		{
			"axes, loops and branches without a choice go",
			`func k(x in_f32, y out_f32, Q int, N int) {
				grid(q, Q)
				grid(n, N)
				for i := range lanes(Q) {
					a := x[q*N + n + i]
					if Q < 2 && n < N {
						y[n + i] = a
					}
					if n < N || N < Q {
						y[n + i] = a
					}
				}
				if Q == 1 {
					b := n * N * 2
					y[b] = choose(N <= 8, x[b], 0.0)
				} else {
					y[n] = 0.0
				}
			}`,
			`func k(x in_f32, y out_f32) {
				grid(n, 8)
				a := x[n]
				if n < 8 {
					y[n] = a
				}
				if n < 8 {
					y[n] = a
				}
				b := n * 16
				y[b] = x[b]
			}`,
			[]runtime.Launch{{Ints: []runtime.Affine{num(1), num(8)}}},
			`null null`,
		},
		{
			"a name that another block has too stays in its block",
			`func k(x in_f32, y out_f32, Q int) {
				for i := range lanes(Q) {
					a := x[i]
					y[i] = a
				}
				for i := range lanes(Q) {
					a := x[i+1]
					y[i+1] = a
				}
				rows := Q * 2
				for j := 0; j < rows; j += 1 {
					y[j+2] = x[j]
				}
			}`,
			`func k(x in_f32, y out_f32) {
				for i := range lanes(1) {
					a := x[i]
					y[i] = a
				}
				for i := range lanes(1) {
					a := x[i+1]
					y[i+1] = a
				}
				for j := 0; j < 2; j += 1 {
					y[j+2] = x[j]
				}
			}`,
			[]runtime.Launch{{Ints: []runtime.Affine{num(1)}}},
			`null null`,
		},
		{
			"a name stands for a number in its own block alone",
			`func k(x in_f32, y out_f32, Q int, S int) {
				for i := 0; i < S; i += 1 {
					n := Q * 3
					y[i*n] = 1.0
				}
				for i := 0; i < S; i += 1 {
					n := i * 2
					y[n] = 2.0
				}
				n := sum(i, Q, x[i])
				y[0] = n
			}`,
			`func k(x in_f32, y out_f32, S int) {
				for i := 0; i < S; i += 1 {
					y[i*6] = 1.0
				}
				for i := 0; i < S; i += 1 {
					n := i * 2
					y[n] = 2.0
				}
				n := sum(i, 2, x[i])
				y[0] = n
			}`,
			[]runtime.Launch{{Ints: []runtime.Affine{num(2), num(0, 1, 0)}}},
			`[{"k":[1,0]}] null`,
		},
		{
			"tiles",
			`func k(w weight, x in_f32, y out_f32, q out_a8, K int, R int) {
				grid(b, 4)
				group(acc, R)
				encode(q, b*K*4, x, b*K*4, K*4)
				row := b * R
				dot(acc, 0, w, row*K, K, x, 0, K, min(R, 30 - row), 1, K)
				mix(acc, 0, w, row*K, K, x, 0, K, R, 1, K)
				for r := range lanes(R) {
					y[row + r] = acc[r]
				}
			}`,
			`func k(w weight, x in_f32, y out_f32, q out_a8) {
				grid(b, 4)
				group(acc, 8)
				encode(q, b*64, x, b*64, 64)
				row := b * 8
				dot(acc, 0, w, row*16, 16, x, 0, 16, min(8, 30 - row), 1, 16)
				mix(acc, 0, w, row*16, 16, x, 0, 16, 8, 1, 16)
				for r := range lanes(8) {
					y[row + r] = acc[r]
				}
			}`,
			[]runtime.Launch{{Ints: []runtime.Affine{num(16), num(8)}}, {Ints: []runtime.Affine{num(16), num(8)}}},
			`null null null null`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := parse(t, c.before)
			text := k.String()
			p := &runtime.Program{Kernels: []runtime.Kernel{{Name: "k", Key: k.Key(), Text: text}}, Steps: []runtime.Step{{Launches: c.launches}}}
			before := asJSON(t, p)
			q, ks, err := specialise(p, []*kernel.Kernel{k})
			require.NoError(t, err)
			want := parse(t, c.after)
			require.Equal(t, want.String(), ks[0].String())
			require.Equal(t, runtime.Kernel{Name: "k", Key: want.Key(), Text: want.String()}, q.Kernels[0])
			var left []string
			for _, l := range q.Steps[0].Launches {
				left = append(left, asJSON(t, l.Ints), asJSON(t, l.Floats))
			}
			require.Equal(t, c.left, strings.Join(left, " "))
			require.Equal(t, before, asJSON(t, p), "the program that was given has changed")
			require.Equal(t, text, k.String(), "the kernel that was given has changed")
		})
	}
}

func TestSpecialiseRefuses(t *testing.T) {
	k := parse(t, "func k(y out_f32, N int) {\n\ty[N] = 1.0\n}")
	p := &runtime.Program{Kernels: make([]runtime.Kernel, 1), Steps: []runtime.Step{{Name: "decode", Launches: []runtime.Launch{{Node: "x"}}}}}
	_, _, err := specialise(p, []*kernel.Kernel{k})
	require.EqualError(t, err, "step decode: launch 0 (x): 0 ints and 0 floats, kernel k takes 1 and 0")
	_, _, err = specialise(p, nil)
	require.EqualError(t, err, "0 kernels for a program of 1")
}

func parse(t *testing.T, text string) *kernel.Kernel {
	k, err := kernel.Parse(text)
	require.NoError(t, err)
	require.NoError(t, kernel.Verify(k))
	return k
}

func asJSON(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// TestSpecialisedPrograms: with constants in its kernels a program computes the same bits, step by step, in the interpreter.
func TestSpecialisedPrograms(t *testing.T) {
	all := shapes()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w := all[name].compile(t)
			p, _, err := specialise(c.Program, c.Kernels)
			require.NoError(t, err)
			want, got := logits(t, c.Program, w), logits(t, p, w)
			require.Equal(t, want, got)
			params, left := parameters(c.Program), parameters(p)
			require.Less(t, left, params/2, "%d of %d integers of launches are left", left, params)
		})
	}
}

func parameters(p *runtime.Program) int {
	n := 0
	for _, s := range p.Steps {
		for _, l := range s.Launches {
			n += len(l.Ints)
		}
	}
	return n
}

// logits runs a prompt of several chunks, the same whole, and some single tokens.
func logits(t *testing.T, p *runtime.Program, w runtime.Weights) []string {
	e, err := cpu.New(p, w, cpu.Library{Tiles: gen.Library().Tiles}, cpu.Options{Threads: 1})
	require.NoError(t, err)
	defer e.Close()
	s, err := runtime.NewSession(e, p)
	require.NoError(t, err)
	ids := []int32{1, 4, 9, 3, 17, 20, 5}
	all, err := s.Logits(t.Context(), ids, 0)
	require.NoError(t, err)
	out := []string{fmt.Sprint(all)}
	s.Reset()
	for _, part := range [][]int32{ids, {6}, {7}, {2, 3}} {
		last, err := s.Append(t.Context(), part, 0)
		require.NoError(t, err)
		out = append(out, fmt.Sprint(last))
	}
	return out
}
