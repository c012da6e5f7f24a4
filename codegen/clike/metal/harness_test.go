package metal

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// trial is a call of a tile with data.
type trial struct {
	clike.Call
	plan               func(clike.Call) *clike.Plan
	rows, cols, k      int
	wGap, xGap, accGap int // that strides are longer than rows
}

func is(n int) clike.Range { return clike.Range{Lo: int64(n), Hi: int64(n)} }

// upTo fixes what is known of a call: K and the strides, and how many rows and columns there are at most.
func (tr trial) upTo(rows, cols int) trial {
	w, x, acc := tr.strides()
	tr.K, tr.WStride, tr.XStride, tr.AccStride, tr.Threads = is(tr.k), is(w), is(x), is(acc), threads
	tr.Rows, tr.Cols = clike.Range{Lo: 1, Hi: int64(rows)}, clike.Range{Lo: 1, Hi: int64(cols)}
	if cols == 1 {
		tr.Cols = is(1)
	}
	return tr
}

func (tr trial) strides() (w, x, acc int) {
	if tr.Mix {
		return tr.k + tr.wGap, tr.rows + tr.xGap, tr.k + tr.accGap
	}
	return tr.k + tr.wGap, tr.k + tr.xGap, tr.cols + tr.accGap
}

// sizes are of acc and x in elements.
func (tr trial) sizes() (acc, x int) {
	_, xStride, accStride := tr.strides()
	if tr.Mix {
		return (tr.cols-1)*accStride + tr.k, (tr.cols-1)*xStride + tr.rows
	}
	return (tr.rows-1)*accStride + tr.cols, (tr.cols-1)*xStride + tr.k
}

// margin is floats behind the results that must stay as they are.
const margin = 64

// instance is a kernel that calls a tile.
type instance struct {
	plan   clike.Plan
	w, x   string
	acc, g int // floats of group memory for acc, and for x if it lies there
}

func (tr trial) instance() instance {
	plan := tr.plan(tr.Call)
	w := "uchar"
	if f, ok := floats[tr.W.DType]; ok {
		w = f.name
	}
	acc, x := tr.sizes()
	in := instance{plan: *plan, w: w, x: floats[tr.X.DType].name, acc: room(acc + margin)}
	if tr.X.Group {
		in.g = room(x)
	}
	return in
}

// room is floats of group memory for n: of few sizes, so that trials share kernels.
func room(n int) int {
	for _, size := range []int{1408, 4352} {
		if n <= size {
			return size
		}
	}
	return n
}

func (in instance) text(name string) string {
	x, copied, size := "x", "", 4*in.acc
	if in.g > 0 {
		x = "xs"
		copied = fmt.Sprintf(`  threadgroup float* const xs = (threadgroup float*)(memory + %d);
  for (int i = place.self; i < n[7]; i += 256) xs[i] = x[i];
`, size)
		size += 4 * in.g
	}
	size = (size + 127) / 128 * 128
	return fmt.Sprintf(`kernel void %s(device const %s* w [[buffer(0)]], device const %s* x [[buffer(1)]], device float* y [[buffer(2)]],
    device const int* n [[buffer(3)]], uint thread_index [[thread_index_in_threadgroup]]) {
  const int self = int(thread_index);
  const Place place = {self, self & 31, self >> 5};
  alignas(16) threadgroup uchar memory[%d];
  threadgroup float* const acc = (threadgroup float*)memory;
  for (int i = place.self; i < n[6]; i += 256) acc[i] = y[i];
%s  group_barrier();
  %s::run(acc, n[5], w, n[3], %s, n[4], n[0], n[1], n[2], nullptr, memory + %d, place);
  group_barrier();
  for (int i = place.self; i < n[6]; i += 256) y[i] = acc[i];
}
`, name, in.w, in.x, max(size+in.plan.Prep, 16), copied, in.plan.Type, x, min(size, max(size+in.plan.Prep, 16)-1))
}

// module is kernels for trials.
type module struct {
	*emulator.Module
	names map[instance]string
}

// compiled makes one source of all that trials need. edit, if any, changes the device code.
func compiled(t testing.TB, trials []trial, checked bool, edit func(string) string) module {
	t.Helper()
	c, err := emulator.Find()
	if err != nil {
		t.Skipf("%v; it wants Debian's clang-19 and libclang-rt-19-dev", err)
	}
	m := module{names: map[instance]string{}}
	var device, kernels strings.Builder
	put := func(f string) {
		b, err := files.ReadFile(f)
		require.NoError(t, err)
		device.Write(b)
	}
	put("prelude.metal")
	var seen []string
	for _, tile := range tiles {
		for _, f := range tile.Files {
			if !slices.Contains(seen, f) {
				seen = append(seen, f)
				put(f)
			}
		}
	}
	for _, tr := range trials {
		in := tr.instance()
		if m.names[in] == "" {
			m.names[in] = fmt.Sprintf("k%d", len(m.names))
			kernels.WriteString(in.text(m.names[in]))
		}
	}
	text := device.String()
	if edit != nil {
		text = edit(text)
	}
	m.Module, err = c.Compile(t.Context(), []byte(text+kernels.String()), emulator.Options{Name: "tiles.metal", Checked: checked})
	require.NoError(t, err)
	return m
}

func bytesOf[T any](s []T) []byte {
	var z T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(z)))
}

// data is buffers that end where the last element ends, and what the elements are.
type data struct {
	w, x      []byte
	wv, off   []float64 // at strides; off is the part of a weight that is its offset
	xv        []float64
	y, before []float32
}

// aligned is n bytes that begin where Metal's buffers may, and end where the last element does.
func aligned(n int) []byte { return bytesOf(make([][2]uint64, (n+15)/16))[:n] }

func floatData(d kernel.DType, n int, rng *rand.Rand) ([]byte, []float64) {
	row := d.Row()
	b, v := aligned(n*row.Bytes), make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	row.Encode(b, v)
	row.Decode(v, b)
	return b, doubles(v)
}

func doubles(v []float32) []float64 {
	d := make([]float64, len(v))
	for i, f := range v {
		d[i] = float64(f)
	}
	return d
}

// blockData has any codes and small scales, and factors of both signs from 2^-9 to 2^-5.
func blockData(d kernel.DType, n int, rng *rand.Rand) (b []byte, v, off []float64) {
	row := d.Row()
	f := row.Format
	b = aligned(n / row.Elems * row.Bytes)
	zero := make([]byte, len(b))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	factor := func() uint16 { return uint16(rng.IntN(2))<<15 | uint16(6+rng.IntN(5))<<10 | uint16(rng.IntN(1024)) }
	for at := 0; at < len(b); at += row.Bytes {
		binary.LittleEndian.PutUint16(b[at+f.D:], factor())
		if f.Offsets {
			binary.LittleEndian.PutUint16(b[at+f.M:], factor())
			head := 4
			if f.Nested {
				head = 16
			}
			copy(zero[at:at+head], b[at:at+head])
		}
	}
	w, o := make([]float32, n), make([]float32, n)
	row.Decode(w, b)
	if f.Offsets { // codes of zero leave the offset
		row.Decode(o, zero)
	}
	return b, doubles(w), doubles(o)
}

func (tr trial) data(seed uint64) *data {
	rng := rand.New(rand.NewPCG(seed, uint64(tr.rows*1000000+tr.cols*10000+tr.k)))
	wStride, _, _ := tr.strides()
	acc, x := tr.sizes()
	d := &data{}
	n := (tr.rows-1)*wStride + tr.k
	if isFloat(tr.W) {
		d.w, d.wv = floatData(tr.W.DType, n, rng)
		d.off = make([]float64, n)
	} else {
		d.w, d.wv, d.off = blockData(tr.W.DType, n, rng)
	}
	d.x, d.xv = floatData(tr.X.DType, x, rng)
	for i := range acc + margin {
		d.before = append(d.before, float32(1000+i))
		if tr.Mix {
			d.before[i] = float32(rng.NormFloat64())
		}
	}
	d.y = slices.Clone(d.before)
	return d
}

// run runs the tile.
func (tr trial) run(m module, d *data, order uint64) error {
	return tr.runGroups(m, d, emulator.Dispatch{Groups: 1, Order: order})
}

func (tr trial) runGroups(m module, d *data, dispatch emulator.Dispatch) error {
	wStride, xStride, accStride := tr.strides()
	n := []int32{
		int32(tr.rows), int32(tr.cols), int32(tr.k), int32(wStride), int32(xStride), int32(accStride), int32(len(d.y)), int32(len(d.xv)),
	}
	dispatch.Threads = threads
	dispatch.Buffers = []emulator.Buffer{{Mem: d.w}, {Mem: d.x}, {Mem: bytesOf(d.y)}, {Mem: bytesOf(n)}}
	return m.Run(m.names[tr.instance()], dispatch)
}

// worst is the greatest error in units of the sum of products' magnitudes, which is what bound allows, or says what is wrong. Magnitude
// of a weight is that of its code's part plus that of its offset. least is added to it for each weight.
func (tr trial) worst(d *data, bound, least float64) (float64, error) {
	wStride, xStride, accStride := tr.strides()
	outer, inner, over := tr.rows, tr.cols, tr.k
	if tr.Mix {
		outer, inner, over = tr.cols, tr.k, tr.rows
	}
	worst := 0.0
	for i := range d.y {
		r, c := i/accStride, i%accStride
		if r >= outer || c >= inner || i >= len(d.y)-margin {
			if d.y[i] != d.before[i] {
				return 0, fmt.Errorf("acc[%d] was %g and is %g: it is no result", i, d.before[i], d.y[i])
			}
			continue
		}
		sum, size, xs := 0.0, 0.0, 0.0
		for e := range over {
			w, x := r*wStride+e, c*xStride+e
			if tr.Mix {
				w, x = e*wStride+c, r*xStride+e
			}
			sum += d.wv[w] * d.xv[x]
			size += (math.Abs(d.wv[w]-d.off[w]) + math.Abs(d.off[w])) * math.Abs(d.xv[x])
			xs += math.Abs(d.xv[x])
		}
		if tr.Mix {
			sum += float64(d.before[i])
			size += math.Abs(float64(d.before[i]))
		}
		e := math.Abs(float64(d.y[i]) - sum)
		if !(e <= bound*size+least*xs) {
			return 0, fmt.Errorf("acc[%d] is %g, want %g: off by %g, allowed %g", i, d.y[i], sum, e, bound*size+least*xs)
		}
		if size > 0 {
			worst = max(worst, e/size)
		}
	}
	return worst, nil
}

const (
	single = 1.0 / (1 << 24) // the error of a rounding of f32
	halves = 1.0 / (1 << 11) // of f16
	tiny   = 1.0 / (1 << 25) // of an f16 that is subnormal
)

// hold runs trials in an order each and compares.
func hold(t *testing.T, m module, trials []trial, order uint64, bound func(tr trial) (relative, least float64)) {
	t.Helper()
	worst := map[string]float64{}
	for _, tr := range trials {
		d := tr.data(order)
		what := fmt.Sprintf("%s: %v rows %d cols %d k %d", tr.instance().plan.Type, tr.W.DType, tr.rows, tr.cols, tr.k)
		require.NoError(t, tr.run(m, d, order), what)
		relative, least := bound(tr)
		e, err := tr.worst(d, relative, least)
		require.NoError(t, err, what)
		key := fmt.Sprintf("%v x %v", tr.W.DType, tr.X.DType)
		worst[key] = max(worst[key], e)
	}
	for k, e := range worst {
		t.Logf("%s: worst error %.2g of the sum of magnitudes", k, e)
	}
}

// fileTypes are the weights that metal reads.
func fileTypes() []kernel.DType {
	var ts []kernel.DType
	for i := range kernel.DTypes {
		if row := &kernel.DTypes[i]; row.Weight && row.Panel == nil {
			ts = append(ts, row.DType)
		}
	}
	return ts
}
