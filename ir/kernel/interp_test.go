package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// runAll runs every group of a kernel over the buffers.
func runAll(t *testing.T, k *Kernel, opt Options, bufs []*Mem, ints []int64, floats ...float32) {
	t.Helper()
	require.NoError(t, tryAll(k, opt, bufs, ints, floats...))
}

func tryAll(k *Kernel, opt Options, bufs []*Mem, ints []int64, floats ...float32) error {
	p, err := Interpret(k, opt)
	if err != nil {
		return err
	}
	n, err := p.Scratch(ints)
	if err != nil {
		return err
	}
	groups, err := p.Groups(ints)
	if err != nil {
		return err
	}
	scratch := make([]float32, n)
	for g := range groups {
		if err := p.Run(bufs, ints, floats, scratch, g); err != nil {
			return err
		}
	}
	return nil
}

func mem(d DType, v ...float32) *Mem {
	m := &Mem{DType: d, Data: make([]byte, len(v)*d.Row().Bytes)}
	d.Row().Encode(m.Data, v)
	return m
}

func (m *Mem) values() []float32 {
	out := make([]float32, m.Len())
	for i := range out {
		out[i] = m.Load(int64(i)).F
	}
	return out
}

func random(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

// near compares with the float64 reference, relative to the largest value.
func near(t *testing.T, want []float64, got []float32, tol float64) {
	t.Helper()
	require.Len(t, got, len(want))
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i := range want {
		if d := math.Abs(want[i] - float64(got[i])); !(d <= tol*scale) {
			t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
}

var bothOrders = []Options{{Poison: true}, {Poison: true, ReverseLanes: true}}

func TestRMSNorm(t *testing.T) {
	const S, K, eps = 3, 37, 1e-5
	rng := rand.New(rand.NewPCG(1, 1))
	xs, w := random(rng, S*K), mem(BF16, random(rng, K)...)
	var want []float64
	for s := range S {
		ss := 0.0
		for _, v := range xs[s*K:][:K] {
			ss += float64(v) * float64(v)
		}
		for i, v := range xs[s*K:][:K] {
			want = append(want, float64(v)/math.Sqrt(ss/K+eps)*float64(w.values()[i]))
		}
	}
	for _, opt := range bothOrders {
		y := mem(F32, make([]float32, S*K)...)
		runAll(t, parsed(t, kernels(t)["rmsnorm"]), opt, []*Mem{mem(F32, xs...), w, y}, []int64{S, K}, eps)
		near(t, want, y.values(), 1e-6)
	}
}

func TestSoftmax(t *testing.T) {
	const R, K = 4, 19
	xs := random(rand.New(rand.NewPCG(1, 2)), R*K)
	xs[5] = 100
	var want []float64
	for r := range R {
		row, total := xs[r*K:][:K], 0.0
		for _, v := range row {
			total += math.Exp(float64(v))
		}
		for _, v := range row {
			want = append(want, math.Exp(float64(v))/total)
		}
	}
	for _, opt := range bothOrders {
		y := mem(F32, make([]float32, R*K)...)
		runAll(t, parsed(t, kernels(t)["softmax"]), opt, []*Mem{mem(F32, xs...), y}, []int64{R, K})
		near(t, want, y.values(), 1e-6)
	}
}

func TestGemv(t *testing.T) {
	const R, K, rows = 13, 40, 4
	rng := rand.New(rand.NewPCG(1, 3))
	xs, ws := random(rng, K), random(rng, R*K)
	check := func(w *Mem) {
		var want []float64
		wv := w.values()
		for r := range R {
			sum := 0.0
			for i, x := range xs {
				sum += float64(wv[r*K+i]) * float64(x)
			}
			want = append(want, sum)
		}
		y := mem(F32, make([]float32, R)...)
		runAll(t, parsed(t, kernels(t)["gemv"]), Options{Poison: true}, []*Mem{mem(F32, xs...), w, y}, []int64{R, K, rows})
		near(t, want, y.values(), 1e-7)
	}
	for _, d := range []DType{F32, F16, BF16} {
		check(mem(d, ws...))
	}
	withBlocks(t, func(d DType) {
		w := &Mem{DType: d, Data: make([]byte, R*K/4*5)}
		for i := range w.Data {
			w.Data[i] = byte(rng.Uint32())
		}
		check(w)
	})
}

// TestBlocksAnywhere reads elements that begin and end within a block.
func TestBlocksAnywhere(t *testing.T) {
	withBlocks(t, func(d DType) {
		w := &Mem{DType: d, Data: []byte{1, 1, 2, 3, 4, 10, 1, 2, 3, 4}}
		k := parsed(t, `func f(w weight, y out_f32, at int, n int) {
	group(one, 8)
	group(a, 1)
	for i := range lanes(8) {
		one[i] = 1.0
	}
	dot(a, 0, w, at, 0, one, 0, 0, 1, 1, n)
	y[0] = a[0]
	y[1] = w[at]
}
`)
		for at := range int64(8) {
			for n := range 9 - at {
				y := mem(F32, 0, 0)
				runAll(t, k, Options{}, []*Mem{w, y}, []int64{at, n})
				want := float32(0)
				for i := at; i < at+n; i++ {
					want += w.Load(i).F
				}
				require.Equal(t, []float32{want, w.Load(at).F}, y.values())
			}
		}
	})
}

func TestMix(t *testing.T) {
	const N, C, K = 11, 3, 8
	rng := rand.New(rand.NewPCG(1, 4))
	p, v := random(rng, C*N), mem(F16, random(rng, N*K)...)
	want := make([]float64, C*K)
	vv := v.values()
	for c := range C {
		for n := range N {
			for k := range K {
				want[c*K+k] += float64(p[c*N+n]) * float64(vv[n*K+k])
			}
		}
	}
	for _, step := range []int64{1, 4, 11, 100} {
		for _, opt := range bothOrders {
			y := mem(F32, make([]float32, C*K)...)
			runAll(t, parsed(t, kernels(t)["mix"]), opt, []*Mem{mem(F32, p...), v, y}, []int64{N, C, K, step})
			near(t, want, y.values(), 1e-6)
		}
	}
}

// TestDotColumns checks the layout of a tile of several columns, with strides beyond the rows.
func TestDotColumns(t *testing.T) {
	k := parsed(t, `func f(x in_f32, w weight, y out_f32) {
	group(a, 9)
	for i := range lanes(9) {
		a[i] = -1.0
	}
	dot(a, 2, w, 1, 4, x, 1, 3, 2, 3, 2)
	for i := range lanes(9) {
		y[i] = a[i]
	}
}
`)
	x, w := mem(F32, 9, 1, 2, 9, 3, 4, 9, 5, 6), mem(F32, 9, 1, 10, 9, 9, 2, 20)
	y := mem(F32, make([]float32, 9)...)
	runAll(t, k, Options{}, []*Mem{x, w, y}, nil)
	require.Equal(t, []float32{-1, -1, 21, 43, 65, 42, 86, 130, -1}, y.values())
}

// TestScalars covers what the kernels above do not: grids of two axes, integers, branches, serial loops, float parameters.
func TestScalars(t *testing.T) {
	k := parsed(t, `func f(ids in_i32, at in_pos, m in_bool, kc state_f16, out out_i32, A int, B int, e float) {
	grid(a, A)
	grid(b, B)
	g := a*B + b
	n := ids[g] + at[g]
	if m[g] == 1 {
		kc[g] = e
	} else if n < 0 {
		kc[g] = kc[g] + 1.0
	}
	empty := sum(i, 0, 1.0)
	lowest := max(i, n-n, 1.0)
	if lowest < empty {
		out[g] = n
	}
	for i := 3; i < 10; i += 5 {
		out[g+6] = i
	}
}
`)
	ints := func(d DType, v ...int64) *Mem {
		m, err := NewMem(d, int64(len(v)))
		require.NoError(t, err)
		for i, x := range v {
			require.NoError(t, m.Store(int64(i), Value{I: x}))
		}
		return m
	}
	kc, out := mem(F16, 1, 1, 1, 1, 1, 1), ints(I32, make([]int64, 12)...)
	runAll(t, k, Options{}, []*Mem{ints(I32, 1, 2, 3, -40, 5, 6), ints(Pos, 10, 10, 10, 10, 10, 10), ints(BoolT, 1, 0, 0, 0, 0, 1), kc, out}, []int64{2, 3}, 0.1)
	require.Equal(t, []float32{0.099975586, 1, 1, 2, 1, 0.099975586}, kc.values())
	for i, want := range []int64{11, 12, 13, -30, 15, 16, 8, 8, 8, 8, 8, 8} {
		require.Equal(t, want, out.Load(int64(i)).I)
	}
}

// TestRounding: operations round one by one, and sums once.
func TestRounding(t *testing.T) {
	k := parsed(t, "func f(x in_f32, y out_f32) {\n\ts := sum(i, 3, x[i])\n\ty[0] = s\n\ty[1] = x[0] + x[1] + x[2]\n}\n")
	y := mem(F32, 0, 0)
	runAll(t, k, Options{}, []*Mem{mem(F32, 1e8, 1, -1e8), y}, nil)
	require.Equal(t, []float32{1, 0}, y.values())
}

func TestPoisonAndReverse(t *testing.T) {
	unwritten := parsed(t, "func f(y out_f32) {\n\tgroup(a, 2)\n\ta[0] = 1.0\n\ty[0] = a[0]\n\ty[1] = a[1]\n}\n")
	ordered := parsed(t, "func f(y out_f32) {\n\tgroup(a, 2)\n\tfor i := range lanes(2) {\n\t\ta[0] = float(i)\n\t}\n\ty[0] = a[0]\n\ty[1] = 0.0\n}\n")
	y := mem(F32, 0, 0)
	runAll(t, unwritten, Options{}, []*Mem{y}, nil)
	require.Equal(t, []float32{1, 0}, y.values())
	runAll(t, unwritten, Options{Poison: true}, []*Mem{y}, nil)
	require.True(t, y.values()[0] == 1 && math.IsNaN(float64(y.values()[1])))
	runAll(t, ordered, Options{}, []*Mem{y}, nil)
	require.Equal(t, float32(1), y.values()[0])
	runAll(t, ordered, Options{ReverseLanes: true}, []*Mem{y}, nil)
	require.Equal(t, float32(0), y.values()[0])
}

func TestFaults(t *testing.T) {
	x, y := mem(F32, 1, 2, 3, 4), mem(F32, 0, 0)
	for _, c := range []struct {
		body string
		n    int64
		want string
	}{
		{"y[0] = x[g*4]", 1, "kernel f, group 1: load x[4]: x has 4 elements"},
		{"y[0] = x[n]", -1, "kernel f, group 0: load x[-1]: x has 4 elements"},
		{"y[n] = 1.0", 2, "kernel f, group 0: store y[2]: y has 2 elements"},
		{"m[n] = 1.0", 4, "kernel f, group 0: store m[4]: m has 4 elements"},
		{"y[0] = m[n]", -4, "kernel f, group 0: load m[-4]: m has 4 elements"},
		{"ids[0] = n", 1 << 31, "kernel f, group 0: store ids[0]: 2147483648 does not fit i32"},
		{"ids[0] = n", -1<<31 - 1, "kernel f, group 0: store ids[0]: -2147483649 does not fit i32"},
		{"on[0] = n", 2, "kernel f, group 0: store on[0]: 2 does not fit bool"},
		{"on[0] = n", -1, "kernel f, group 0: store on[0]: -1 does not fit bool"},
		{"a := 1 / n", 0, "kernel f, group 0: 1 / 0 in 1 / n is not defined"},
		{"a := n % 2", -1, "kernel f, group 0: -1 % 2 in n % 2 is not defined"},
		{"a := 1 << n", -1, "kernel f, group 0: 1 << -1 in 1 << n is not defined"},
		{"for i := 0; i < 2; i += n {\n}", 0, "kernel f, group 0: loop over i has step 0"},
		{"for i := 9223372036854775806; i < 9223372036854775807; i += n {\n}\na := 1 / (n - 5)", 5, "kernel f, group 0: 1 / 0 in 1 / (n - 5) is not defined"},
		{"dot(m, 0, w, n, 0, x, 0, 0, 1, 1, 3)", 1, "kernel f, group 0: load w[1:4]: w has 3 elements"},
		{"dot(m, 0, w, 0, 0, x, n, 0, 1, 1, 3)", 2, "kernel f, group 0: load x[2:5]: x has 4 elements"},
		{"dot(m, n, w, 0, 0, x, 0, 0, 2, 1, 3)", 3, "kernel f, group 0: store m[4]: m has 4 elements"},
		{"mix(m, n, w, 0, 0, x, 0, 0, 1, 1, 3)", 2, "kernel f, group 0: load m[2:5]: m has 4 elements"},
		{"mix(m, 0, w, 0, n, x, 0, 0, 2, 1, 3)", 1, "kernel f, group 0: load w[1:4]: w has 3 elements"},
		{"mix(m, 0, w, 0, 0, x, 0, 0, n, 1, 3)", 5, "kernel f, group 0: load x[0:5]: x has 4 elements"},
	} {
		k := parsed(t, "func f(x in_f32, w weight, ids state_i32, on state_bool, y out_f32, n int) {\n\tgrid(g, 2)\n\tgroup(m, 4)\n"+c.body+"\n}\n")
		err := tryAll(k, Options{}, []*Mem{x, mem(F16, 1, 2, 3), {DType: I32, Data: make([]byte, 8)}, {DType: BoolT, Data: make([]byte, 1)}, y}, []int64{c.n})
		require.EqualError(t, err, c.want)
	}
}

func TestRunChecksItsArguments(t *testing.T) {
	k := parsed(t, "func f(x in_f32, w weight, n int, m int) {\n\tgrid(g, n)\n\tgroup(a, m)\n}\n")
	p, err := Interpret(k, Options{})
	require.NoError(t, err)
	x, w := mem(F32, 1), mem(F16, 1)
	good, three := []*Mem{x, w}, []int64{3, 3}
	scratch := make([]float32, 3)
	require.NoError(t, p.Run(good, three, nil, scratch, 2))
	for _, c := range []struct {
		err  error
		want string
	}{
		{p.Run(good, nil, nil, scratch, 0), "kernel f: 0 integer parameters, want 2"},
		{p.Run(good[:1], three, nil, scratch, 0), "kernel f, group 0: 1 buffers and 0 float parameters, want 2 and 0"},
		{p.Run(good, three, scratch, scratch, 0), "kernel f, group 0: 2 buffers and 3 float parameters, want 2 and 0"},
		{p.Run([]*Mem{w, w}, three, nil, scratch, 0), "kernel f, group 0: x is f16, want f32"},
		{p.Run([]*Mem{x, {DType: I32}}, three, nil, scratch, 0), "kernel f, group 0: w: i32 is no weight type"},
		{p.Run([]*Mem{x, nil}, three, nil, scratch, 0), "kernel f, group 0: w is not given"},
		{p.Run([]*Mem{x, {DType: F16, Data: make([]byte, 3)}}, three, nil, scratch, 0), "kernel f, group 0: w: 3 bytes are not whole blocks of 2"},
		{p.Run(good, three, nil, scratch[:2], 0), "kernel f, group 0: scratch has 2 floats of 3"},
		{p.Run(good, three, nil, scratch, 3), "kernel f, group 3: there are 3 groups"},
		{p.Run(good, three, nil, scratch, -1), "kernel f, group -1: there are 3 groups"},
		{p.Run(good, []int64{-1, 0}, nil, scratch, 0), "kernel f, group 0: grid axis g has -1 elements, after 1 groups"},
		{p.Run(good, []int64{1, 1 << 40}, nil, scratch, 0), "kernel f, group 0: group memory a has 1099511627776 elements, after 0"},
	} {
		require.EqualError(t, c.err, c.want)
	}
	_, err = p.Groups([]int64{1 << 40, 1})
	require.EqualError(t, err, "kernel f, group 0: grid axis g has 1099511627776 elements, after 1 groups")
	_, err = Interpret(&Kernel{Name: "f", Body: []Stmt{&Let{"a", IntVar("q")}}}, Options{})
	require.EqualError(t, err, "kernel f: a := q: q is not declared")
}

// TestEncode rounds rows in place of their blocks, and multiplies them with panels.
func TestEncode(t *testing.T) {
	const R, K, S = 18, 64, 3
	rng := rand.New(rand.NewPCG(7, 8))
	x := random(rng, S*K)
	rounded := &Mem{DType: A8, Data: make([]byte, S*K/32*A8.Row().Bytes)}
	k := parsed(t, "func f(x in_f32, y out_a8, n int) {\n\tgrid(g, 3)\n\tgroup(row, n)\n\tfor i := range lanes(n) {\n\t\trow[i] = x[g*n+i]\n\t}\n\tencode(y, g*n, row, 0, n)\n}\n")
	runAll(t, k, Options{Poison: true}, []*Mem{mem(F32, x...), rounded}, []int64{K})
	got := rounded.values()
	for i, v := range x {
		block := x[i/32*32:][:32]
		most := float32(0)
		for _, b := range block {
			most = max(most, b, -b)
		}
		require.InDelta(t, v, got[i], float64(most)/127/2*(1+1e-5))
	}
	// Q8_0 panels: rows of 64 in two blocks, and two rows behind the first 16.
	file := make([]byte, R*K/32*34)
	for i := range file {
		file[i] = byte(rng.Uint32())
		if i%34 == 1 {
			file[i] = 0x2c // the exponent of a small f16
		}
	}
	w := &Mem{DType: Q80x16, Row: K}
	size, err := Q80x16.MatrixBytes(R, K)
	require.NoError(t, err)
	w.Data = make([]byte, size)
	require.NoError(t, Q80x16.Row().Panel.Pack(w.Data, file, R, K))
	values := make([]float32, R*K)
	Q80.Row().Decode(values, file)
	y := mem(F32, make([]float32, R*S)...)
	k = parsed(t, "func f(w weight, x in_a8, y out_f32, n int) {\n\tgroup(acc, 54)\n\tdot(acc, 0, w, 0, n, x, 0, n, 18, 3, n)\n\tfor i := range lanes(54) {\n\t\ty[i] = acc[i]\n\t}\n}\n")
	runAll(t, k, Options{}, []*Mem{w, rounded, y}, []int64{K})
	for r := range R {
		require.Equal(t, values[r*K+5], w.Load(int64(r*K+5)).F)
		for c := range S {
			want := 0.0
			for i := range K {
				want += float64(values[r*K+i]) * float64(got[c*K+i])
			}
			require.InDelta(t, want, y.values()[r*S+c], 1e-6*math.Abs(want)+1e-6)
		}
	}
	_, err = NewMem(A8, 31)
	require.Error(t, err)
}
