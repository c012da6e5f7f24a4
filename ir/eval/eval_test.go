package eval_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/eval"
	"github.com/llorch/llorch/ir/op"
)

var (
	inf   = math.Inf(-1)
	third = 1.0 / 3
)

// parse makes a verified graph of statements whose outputs the last line names.
func parse(t *testing.T, body string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("g.ir", "graph g {\n"+body+"\n}", op.Table)
	require.NoError(t, err)
	require.NoError(t, ir.Verify(g))
	return g
}

// given gives inputs and params their elements by name.
func given(env map[string]int64, values map[string][]float64) func(n *ir.Node) (*ir.Array, error) {
	return func(n *ir.Node) (*ir.Array, error) {
		a := &ir.Array{Data: values[n.Name]}
		for _, ax := range n.Type.Axes {
			v, err := ax.Dim.Eval(env)
			if err != nil {
				return nil, err
			}
			a.Axes, a.Dims = append(a.Axes, ax.Name), append(a.Dims, int(v))
		}
		return a, nil
	}
}

const step = "symbol S, P\nbound S >= 1\nbound P >= 0\nbound P+S <= 8\nstep S after P\n"

// TestOps holds ops against numbers worked out by hand.
func TestOps(t *testing.T) {
	const turn = step + "f: f32[pair=2] = input()\np = positions() {axis=q, count=S, from=P}\nr = rotations(p, f)\nx: f32[q=S, dim=5] = input()\n"
	rightAngle := map[string][]float64{"f": {math.Pi / 2, math.Pi}, "x": {1, 2, 3, 4, 5}}
	x6 := map[string][]float64{"x": {1, 2, 3, 4, 5, 6}}
	for _, c := range []struct {
		name, body string
		env        map[string]int64
		in         map[string][]float64
		axes       string
		want       []float64
	}{
		{"matmul", "x: f32[r=2, k=2] = input()\nw: f32[c=2, k=2] = input()\ny = matmul(x, w) {over=k}", nil,
			map[string][]float64{"x": {1, 2, 3, 4}, "w": {5, 6, 7, 8}}, "r=2 c=2", []float64{17, 23, 39, 53}},
		{"matmul transposed", "x: f32[k=2, r=2] = input()\nw: f32[k=2, c=2] = input()\ny = matmul(x, w) {over=k}", nil,
			map[string][]float64{"x": {1, 2, 3, 4}, "w": {5, 6, 7, 8}}, "r=2 c=2", []float64{26, 30, 38, 44}},
		{"matmul batched", "x: f32[h=2, r=1, k=2] = input()\nw: f32[c=2, h=2, k=2] = input()\ny = matmul(x, w) {over=k}", nil,
			map[string][]float64{"x": {1, 2, 3, 4}, "w": {1, 0, 0, 1, 1, 1, 1, 1}}, "h=2 r=1 c=2", []float64{1, 3, 4, 7}},
		{"add by name", "x: f32[r=2, c=3] = input()\ny: f32[c=3, r=2] = input()\nz = add(x, y)", nil,
			map[string][]float64{"x": {1, 2, 3, 4, 5, 6}, "y": {10, 20, 30, 40, 50, 60}}, "r=2 c=3", []float64{11, 32, 53, 24, 45, 66}},
		{"sub broadcasts", "x: f32[c=2] = input()\ny: f32[r=2, c=2] = input()\nz = sub(x, y)", nil,
			map[string][]float64{"x": {10, 20}, "y": {1, 2, 3, 4}}, "r=2 c=2", []float64{9, 18, 7, 16}},
		{"mul", "x: f32[c=2] = input()\nz = mul(x, x)", nil, map[string][]float64{"x": {3, -4}}, "c=2", []float64{9, 16}},
		{"scale", "x: f32[c=2] = input()\nz = scale(x) {by=-0.5}", nil, map[string][]float64{"x": {3, -4}}, "c=2", []float64{-1.5, 2}},
		{"silu", "x: f32[c=3] = input()\nz = silu(x)", nil, map[string][]float64{"x": {0, math.Ln2, -math.Ln2}}, "c=3",
			[]float64{0, math.Ln2 * 2 / 3, -math.Ln2 / 3}},
		{"rms_norm", "x: f32[r=1, c=2] = input()\nw: f32[c=2] = input()\ny = rms_norm(x, w) {over=c, eps=0}", nil,
			map[string][]float64{"x": {3, 4}, "w": {1, 10}}, "r=1 c=2", []float64{3 / math.Sqrt(12.5), 40 / math.Sqrt(12.5)}},
		{"rms_norm of columns", "x: f32[c=2, r=2] = input()\nw: f32[c=2] = input()\ny = rms_norm(x, w) {over=c, eps=0.5}", nil,
			map[string][]float64{"x": {1, 0, 0, 2}, "w": {1, 1}}, "c=2 r=2", []float64{1, 0, 0, 2 / math.Sqrt(2.5)}},
		{"softmax", "x: f32[r=2, c=2] = input()\ny = softmax(x) {over=c}", nil,
			map[string][]float64{"x": {0, math.Ln2, 1000, inf}}, "r=2 c=2", []float64{third, 2 * third, 1, 0}},
		{"softmax of columns", "x: f32[c=2, r=2] = input()\ny = softmax(x) {over=c}", nil,
			map[string][]float64{"x": {0, 1, math.Ln2, 1}}, "c=2 r=2", []float64{third, 0.5, 2 * third, 0.5}},
		{"gather", "w: f32[c=2, v=3] = input()\nids: i32[q=2] = input()\ny = gather(w, ids) {over=v}", nil,
			map[string][]float64{"w": {1, 2, 3, 4, 5, 6}, "ids": {2, 0}}, "q=2 c=2", []float64{3, 6, 1, 4}},
		{"split", "x: f32[a=6] = input()\ny = split(x) {axis=a, into=[h=3, d=2]}\nz: f32[d=2] = input()\nw = mul(y, z)", nil,
			map[string][]float64{"x": {1, 2, 3, 4, 5, 6}, "z": {1, 10}}, "h=3 d=2", []float64{1, 20, 3, 40, 5, 60}},
		{"merge", "x: f32[h=2, q=1, d=3] = input()\ny = merge(x) {axes=[h, d], into=a}", nil, x6, "a=6 q=1", []float64{1, 2, 3, 4, 5, 6}},
		{"merge permuted", "x: f32[h=2, d=3] = input()\ny = merge(x) {axes=[d, h], into=a}", nil, x6, "a=6", []float64{1, 4, 2, 5, 3, 6}},
		{"rename", "x: f32[a=2, b=3] = input()\ny = rename(x) {axis=a, to=c}", nil, x6, "c=2 b=3", []float64{1, 2, 3, 4, 5, 6}},
		{"broadcast", "x: f32[b=2] = input()\ny = broadcast(x) {axes=[a=2]}", nil, map[string][]float64{"x": {7, 8}}, "a=2 b=2", []float64{7, 8, 7, 8}},
		{"last", "x: f32[a=2, b=3] = input()\ny = last(x) {over=b}", nil, x6, "a=2 b=1", []float64{3, 6}},
		{"last row", "x: f32[a=2, b=3] = input()\ny = last(x) {over=a}", nil, x6, "a=1 b=3", []float64{4, 5, 6}},
		{"const", "c: f32[a=2] = const() {values=[1, 0.1]}\ny = scale(c) {by=1}", nil, nil, "a=2", []float64{1, float64(float32(0.1))}},
		{"positions", step + "p = positions() {axis=q, count=S, from=P}", map[string]int64{"S": 3, "P": 4}, nil, "q=3", []float64{4, 5, 6}},
		{"causal_mask", step + "p = positions() {axis=q, count=S, from=P}\nk = positions() {axis=kv, count=P+S, from=0}\nm = causal_mask(p, k)",
			map[string]int64{"S": 2, "P": 1}, nil, "q=2 kv=3", []float64{0, 0, inf, 0, 0, 0}},
		{"rotations", step + "f: f32[pair=2] = input()\np = positions() {axis=q, count=S, from=P}\nr = rotations(p, f)",
			map[string]int64{"S": 2, "P": 1}, rightAngle, "q=2 pair=2 part=2", []float64{0, 1, -1, 0, -1, 0, 1, 0}},
		{"rope half", turn + "y = rope(x, r) {over=dim, width=4, style=half}",
			map[string]int64{"S": 1, "P": 1}, rightAngle, "q=1 dim=5", []float64{-3, -2, 1, -4, 5}},
		{"rope interleaved", turn + "y = rope(x, r) {over=dim, width=4, style=interleaved}",
			map[string]int64{"S": 1, "P": 1}, rightAngle, "q=1 dim=5", []float64{-2, 1, -3, -4, 5}},
		{"rope at 0", turn + "y = rope(x, r) {over=dim, width=4, style=half}",
			map[string]int64{"S": 1, "P": 0}, rightAngle, "q=1 dim=5", []float64{1, 2, 3, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := c.body[strings.LastIndexByte(c.body, '\n')+1:]
			g := parse(t, c.body+"\noutput "+strings.Fields(result)[0])
			out, err := eval.Eval(g, eval.Run{Env: c.env, Value: given(c.env, c.in)})
			require.NoError(t, err)
			require.Equal(t, c.axes, shape(out[0]))
			near(t, c.want, out[0].Data)
		})
	}
}

func shape(a *ir.Array) string {
	var parts []string
	for i, n := range a.Axes {
		parts = append(parts, fmt.Sprintf("%s=%d", n, a.Dims[i]))
	}
	return strings.Join(parts, " ")
}

func near(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if want[i] != got[i] && !(math.Abs(want[i]-got[i]) < 1e-14) {
			t.Fatalf("element %d: %v, want %v", i, got, want)
		}
	}
}

// TestEveryOpIsEvaluated holds that no row is left out: its Eval runs on its own cases.
func TestEveryOpIsEvaluated(t *testing.T) {
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				g, err := ir.Parse("case.ir", c.Text, op.Table)
				require.NoError(t, err)
				require.NoError(t, ir.Verify(g))
				seen := false
				r := eval.Run{Env: c.Env, Each: func(n *ir.Node, a *ir.Array) error {
					seen = seen || n.Op == row
					want, err := ir.NewArray(n.Type, c.Env)
					require.NoError(t, err)
					require.Equal(t, shape(want), shape(a), n.Name)
					return nil
				}}
				r.Value = func(n *ir.Node) (*ir.Array, error) { return ir.NewArray(n.Type, c.Env) }
				_, err = eval.Eval(g, r)
				require.NoError(t, err)
				require.True(t, seen)
			})
		}
	}
}

// TestStates appends over three steps and rounds to the state's dtype.
func TestStates(t *testing.T) {
	g := parse(t, step+`c: state f16[h=2, ctx=8] = state() {along=ctx}
		p = positions() {axis=q, count=S, from=P}
		x: f32[q=S, h=2] = input()
		k = append(c, x, p) {over=ctx, new=q, as=kv}
		y = scale(k) {by=2}
		output k, y`)
	state := map[string]*ir.Array{}
	run := func(past int64, x ...float64) []float64 {
		env := map[string]int64{"S": int64(len(x) / 2), "P": past}
		out, err := eval.Eval(g, eval.Run{Env: env, State: state, Value: given(env, map[string][]float64{"x": x})})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("h=2 kv=%d", past+int64(len(x)/2)), shape(out[0]))
		for i, v := range out[0].Data {
			require.Equal(t, 2*v, out[1].Data[i])
		}
		return out[0].Data
	}
	require.Equal(t, []float64{1, 3, 2, 4}, run(0, 1, 2, 3, 4))
	require.Equal(t, []float64{1, 3, 5, 2, 4, 6}, run(2, 5, 6))
	// 0.1 and 2049 lie between f16's numbers; 65520 is the first that rounds to infinity.
	require.Equal(t, []float64{1, 3, 5, 0.0999755859375, 2, 4, 6, 2048}, run(3, 0.1, 2049))
	require.Equal(t, []float64{1, math.Inf(1), 2, 65504}, run(1, 65520, 65519), "a step after a shorter past overwrites")
	require.Equal(t, []float64{1, math.Inf(1), 5, 0.0999755859375, 0, 0, 0, 0, 2, 65504, 6, 2048, 0, 0, 0, 0}, state["c"].Data)
}

// TestAttention holds a layer's attention, in two steps, against loops that know no graph: 2 KV heads, 2 query heads each.
func TestAttention(t *testing.T) {
	const kvHeads, groups, dim = 2, 2, 4
	g := parse(t, step+`queries = positions() {axis=q, count=S, from=P}
		keys = positions() {axis=kv, count=P+S, from=0}
		f: f32[pair=2] = const() {values=[1, 0.25]}
		turn = rotations(queries, f)
		q: f32[q=S, head=2, group=2, dim=4] = input()
		k: f32[q=S, head=2, dim=4] = input()
		v: f32[q=S, head=2, dim=4] = input()
		k_cache: state f32[head=2, ctx=8, dim=4] = state() {along=ctx}
		v_cache: state f32[head=2, ctx=8, dim=4] = state() {along=ctx}
		qr = rope(q, turn) {over=dim, width=4, style=half}
		kr = rope(k, turn) {over=dim, width=4, style=half}
		k_all = append(k_cache, kr, queries) {over=ctx, new=q, as=kv}
		v_all = append(v_cache, v, queries) {over=ctx, new=q, as=kv}
		raw = matmul(qr, k_all) {over=dim}
		scores = scale(raw) {by=0.5}
		mask = causal_mask(queries, keys)
		masked = add(scores, mask)
		probs = softmax(masked) {over=kv}
		mixed = matmul(probs, v_all) {over=kv}
		output mixed`)
	const tokens = 5
	q, k, v := wave(tokens*kvHeads*groups*dim, 0.7), wave(tokens*kvHeads*dim, 1.3), wave(tokens*kvHeads*dim, 2.9)

	var want []float64
	for at := range tokens {
		for h := range kvHeads * groups {
			want = append(want, attend(at, turned(q[(at*kvHeads*groups+h)*dim:][:dim], at), k, v, h/groups, kvHeads)...)
		}
	}
	state := map[string]*ir.Array{}
	var got []float64
	for _, s := range []struct{ past, n int64 }{{0, 2}, {2, 3}} {
		env := map[string]int64{"S": s.n, "P": s.past}
		in := map[string][]float64{
			"q": q[s.past*kvHeads*groups*dim:][:s.n*kvHeads*groups*dim],
			"k": k[s.past*kvHeads*dim:][:s.n*kvHeads*dim], "v": v[s.past*kvHeads*dim:][:s.n*kvHeads*dim],
		}
		out, err := eval.Eval(g, eval.Run{Env: env, State: state, Value: given(env, in)})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("q=%d head=2 group=2 dim=4", s.n), shape(out[0]))
		got = append(got, out[0].Data...)
	}
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], 1e-13)
	}
}

func wave(n int, by float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(float64(i) * by)
	}
	return x
}

// turned is a vector of four rotated for a position: elements 0 and 2 by 1 a position, 1 and 3 by a quarter.
func turned(x []float64, position int) []float64 {
	s0, c0 := math.Sincos(float64(position))
	s1, c1 := math.Sincos(float64(position) / 4)
	return []float64{x[0]*c0 - x[2]*s0, x[1]*c1 - x[3]*s1, x[0]*s0 + x[2]*c0, x[1]*s1 + x[3]*c1}
}

// attend is the attention of the query of one head at a position over all keys up to it.
func attend(at int, q, k, v []float64, head, heads int) []float64 {
	const dim = 4
	sum, out := 0.0, make([]float64, dim)
	for j := 0; j <= at; j++ {
		key := turned(k[(j*heads+head)*dim:][:dim], j)
		w := math.Exp((q[0]*key[0] + q[1]*key[1] + q[2]*key[2] + q[3]*key[3]) / 2)
		sum += w
		for d := range out {
			out[d] += w * v[(j*heads+head)*dim+d]
		}
	}
	for d := range out {
		out[d] /= sum
	}
	return out
}

func TestErrors(t *testing.T) {
	gather := step + "w: f32[v=3] = param()\nids: i32[q=S] = input()\ny = gather(w, ids) {over=v}\noutput y"
	ok := map[string]int64{"S": 2, "P": 0}
	for _, c := range []struct {
		name, body string
		env        map[string]int64
		in         map[string][]float64
		want       string
	}{
		{"id too large", gather, ok, map[string][]float64{"w": {1, 2, 3}, "ids": {0, 3}}, "eval: y: id 3 is not in [0, 3)"},
		{"id below 0", gather, ok, map[string][]float64{"w": {1, 2, 3}, "ids": {-1, 0}}, "eval: y: id -1 is not in [0, 3)"},
		{"input too short", gather, ok, map[string][]float64{"w": {1, 2, 3}, "ids": {0}}, "eval: y: ids has 1 elements, its type i32[q=S] wants 2"},
		{"param too long", gather, ok, map[string][]float64{"w": {1, 2, 3, 4}, "ids": {0, 1}}, "eval: y: w has 4 elements, its type f32[v=3] wants 3"},
		{"output of wrong size", "x: f32[a=2] = input()\noutput x", nil, nil, "eval: x has 0 elements, its type f32[a=2] wants 2"},
		{"over the context", gather, map[string]int64{"S": 5, "P": 4}, nil, "eval: the bounds of graph g do not allow map[P:4 S:5]"},
		{"no tokens", gather, map[string]int64{"S": 0, "P": 0}, nil, "eval: the bounds of graph g do not allow map[P:0 S:0]"},
		{"negative", gather, map[string]int64{"S": 2, "P": -1}, nil, "eval: P = -1 is negative"},
		{"missing symbol", gather, map[string]int64{"S": 2}, nil, "eval: the bounds of graph g do not allow map[S:2]"},
		{"too large", "x: f32[a=99999, b=99999] = input()\ny = silu(x)\noutput y", nil, nil, "eval: y: axis b has extent 99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := eval.Eval(parse(t, c.body), eval.Run{Env: c.env, Value: given(c.env, c.in)})
			require.EqualError(t, err, c.want)
		})
	}
}

// TestWrongShapes: as many elements as wanted, along other axes or of another past's state.
func TestWrongShapes(t *testing.T) {
	g := parse(t, "x: f32[a=2, b=3] = input()\ny = silu(x)\noutput y")
	_, err := eval.Eval(g, eval.Run{Value: func(*ir.Node) (*ir.Array, error) {
		return &ir.Array{Axes: []string{"b", "a"}, Dims: []int{3, 2}, Data: make([]float64, 6)}, nil
	}})
	require.EqualError(t, err, "eval: y: x has axes [b a] of [3 2], its type is f32[a=2, b=3]")

	g = parse(t, step+"c: state f32[ctx=8] = state() {along=ctx}\np = positions() {axis=q, count=S, from=P}\nx: f32[q=S] = input()\ny = append(c, x, p) {over=ctx, new=q, as=kv}\noutput y")
	env := map[string]int64{"S": 1, "P": 0}
	_, err = eval.Eval(g, eval.Run{Env: env, Value: given(env, map[string][]float64{"x": {1}}), State: map[string]*ir.Array{
		"c": {Axes: []string{"ctx"}, Dims: []int{4}, Data: make([]float64, 4)},
	}})
	require.EqualError(t, err, "eval: y: c has 4 elements, its type state f32[ctx=8] wants 8")
}

// TestEachStops: an error of Each ends the evaluation and names the value.
func TestEachStops(t *testing.T) {
	g := parse(t, "x: f32[a=1] = input()\ny = silu(x)\nz = silu(y)\noutput z")
	var seen []string
	_, err := eval.Eval(g, eval.Run{Value: given(nil, map[string][]float64{"x": {1}}), Each: func(n *ir.Node, _ *ir.Array) error {
		seen = append(seen, n.Name)
		return fmt.Errorf("enough")
	}})
	require.EqualError(t, err, "eval: y: enough")
	require.Equal(t, []string{"y"}, seen)
}
