package kernel

// tileCode is a compiled Dot or Mix.
type tileCode struct {
	acc, w, x     memory
	accAt         code
	wAt, wStride  code
	xAt, xStride  code
	rows, cols, k code
	accStride     code // nil: cols
}

func (c *compiler) tile(d *Dot) *tileCode {
	t := &tileCode{
		acc: c.memory[d.Acc], w: c.memory[d.W], x: c.memory[d.X],
		accAt: c.expr(d.AccAt), wAt: c.expr(d.WAt), wStride: c.expr(d.WStride), xAt: c.expr(d.XAt), xStride: c.expr(d.XStride),
		rows: c.expr(d.Rows), cols: c.expr(d.Cols), k: c.expr(d.K),
	}
	if d.AccStride != nil {
		t.accStride = c.expr(d.AccStride)
	}
	return t
}

func (t *tileCode) dot(f *frame) {
	rows, cols, k := t.rows(f).I, t.cols(f).I, t.k(f).I
	accAt, wAt, wStride, xAt, xStride := t.accAt(f).I, t.wAt(f).I, t.wStride(f).I, t.xAt(f).I, t.xStride(f).I
	acc, stride := f.local[t.acc.index], cols
	if t.accStride != nil {
		stride = t.accStride(f).I
	}
	for c := int64(0); c < cols; c++ {
		if rows <= 0 {
			return
		}
		x := f.floats(t.x, xAt+c*xStride, k, &f.x)
		for r := int64(0); r < rows; r++ {
			at := accAt + r*stride + c
			if uint64(at) >= uint64(len(acc)) {
				f.outside("store", t.acc, at, int64(len(acc)))
			}
			sum := 0.0
			for i, w := range f.floats(t.w, wAt+r*wStride, k, &f.w) {
				sum += float64(w) * float64(x[i])
			}
			acc[at] = float32(sum)
		}
	}
}

func (t *tileCode) mix(f *frame) {
	rows, cols, k := t.rows(f).I, t.cols(f).I, t.k(f).I
	accAt, wAt, wStride, xAt, xStride := t.accAt(f).I, t.wAt(f).I, t.wStride(f).I, t.xAt(f).I, t.xStride(f).I
	for c := int64(0); c < cols; c++ {
		acc := f.floats(t.acc, accAt+c*k, k, nil)
		if cap(f.sums) < len(acc) {
			f.sums = make([]float64, len(acc))
		}
		sums := f.sums[:len(acc)]
		for i, v := range acc {
			sums[i] = float64(v)
		}
		for r, x := range f.floats(t.x, xAt+c*xStride, rows, &f.x) {
			for i, w := range f.floats(t.w, wAt+int64(r)*wStride, k, &f.w) {
				sums[i] += float64(x) * float64(w)
			}
		}
		for i, v := range sums {
			acc[i] = float32(v)
		}
	}
}

// floats is m[at : at+n]: group memory itself, or a buffer's elements decoded in buf.
func (f *frame) floats(m memory, at, n int64, buf *[]float32) []float32 {
	if n <= 0 {
		return nil
	}
	size := f.length(m)
	if at < 0 || n > size || at > size-n {
		f.fail("load %s[%d:%d]: %s has %d elements", m.name, at, at+n, m.name, size)
	}
	if m.group {
		return f.local[m.index][at : at+n]
	}
	b := &f.bufs[m.index]
	return b.decode(b.row, at, n, buf)
}

func (f *frame) length(m memory) int64 {
	if m.group {
		return int64(len(f.local[m.index]))
	}
	return f.bufs[m.index].n
}

func (c *compiler) encode(s *Encode) exec {
	dst, x := c.memory[s.Buf], c.memory[s.X]
	at, xAt, n := c.expr(s.At), c.expr(s.XAt), c.expr(s.N)
	return func(f *frame) {
		at, n := at(f).I, n(f).I
		b := &f.bufs[dst.index]
		e, size := int64(b.row.Elems), int64(b.row.Bytes)
		if n < 0 || at < 0 || at > b.n || n > b.n-at || at%e != 0 || n%e != 0 {
			f.fail("encode %s[%d:%d]: %s has %d elements in blocks of %d", dst.name, at, at+n, dst.name, b.n, e)
		}
		b.row.Encode(b.Data[at/e*size:][:n/e*size], f.floats(x, xAt(f).I, n, &f.x))
	}
}
