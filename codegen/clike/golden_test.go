package clike_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/codegen/clike/cuda"
	"github.com/llorch/llorch/codegen/clike/metal"
	"github.com/llorch/llorch/ir/kernel"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// spelling is a dialect, and what parts a kernel from the device code around it.
type spelling struct {
	*clike.Dialect
	head, tail, ext string
}

var spellings = []spelling{
	{cuda.Dialect, "extern \"C\" __global__", "// ---- pick.cu", ".cu"},
	{metal.Dialect, "\nkernel void ", "", ".metal"},
}

// own is the kernel alone in a source that has one.
func (s spelling) own(src string) string {
	src = src[strings.LastIndex(src[:s.end(src)], s.head):s.end(src)]
	return strings.TrimPrefix(src, "\n")
}

func (s spelling) end(src string) int {
	if s.tail == "" {
		return len(src)
	}
	return strings.Index(src, s.tail)
}

// TestGolden holds the kernels in testdata in every dialect, without the device code around them, against the files beside them.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.kernel")
	require.NoError(t, err)
	for _, f := range files {
		for _, s := range spellings {
			t.Run(strings.TrimSuffix(filepath.Base(f), ".kernel")+"/"+s.Name, func(t *testing.T) {
				src, fns, err := clike.Emit(s.Dialect, options(), []*kernel.Kernel{read(t, f)})
				golden := strings.TrimSuffix(f, ".kernel") + s.ext
				if err != nil { // it was scheduled for another device
					require.NoFileExists(t, golden, err)
					return
				}
				require.Len(t, fns, 1)
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(s.own(string(src))), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), s.own(string(src)))
			})
		}
	}
}

func options() clike.Options {
	return clike.Options{
		Symbols: []string{"S", "P"}, Limits: map[string]clike.Range{"S": {Lo: 1, Hi: 32}, "P": {Lo: 0, Hi: 32}},
		RowElems: func(int, int) int64 { return 96 },
		Past:     "P",
	}
}

func read(t *testing.T, file string) *kernel.Kernel {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	k, err := kernel.Parse(string(text))
	require.NoError(t, err)
	return k
}

func emit(t *testing.T, o clike.Options, ks ...*kernel.Kernel) (string, []clike.Function) {
	src, fns, err := clike.Emit(cuda.Dialect, o, ks)
	require.NoError(t, err)
	return string(src), fns
}

func parse(t *testing.T, text string) *kernel.Kernel {
	k, err := kernel.Parse(text)
	require.NoError(t, err)
	return k
}

// TestEveryWayWaits: whichever way a group goes through a kernel, it waits for the kernels before once, before it touches what they
// may have written, and lets the next begin once.
func TestEveryWayWaits(t *testing.T) {
	src, _ := emit(t, options(), parse(t, `func f(w weight_f32, x in_f32, y out_f32, z out_f32) {
	grid(block, 4)
	if block < 2 {
		v := w[block]
		if block < 1 {
			y[0] = v
		}
		z[block] = x[block]
	} else {
		u := float(block)
	}
}
`))
	body := src[strings.Index(src, "extern \"C\" __global__ void __launch_bounds__(256) f("):strings.Index(src, "// ---- pick.cu")]
	require.Equal(t, `  const int block = group_index;
  if (block < 2) {
    const float v = w[block];
    wait_for_inputs();
    if (block < 1) {
      if (thread == 0) y[0] = v;
    }
    launch_dependents();
    if (thread == 0) z[block] = x[block];
  } else {
    const float u = float(block);
    wait_for_inputs();
    launch_dependents();
  }
}
`, body[strings.Index(body, "  const int block"):])
}

// TestRefused: what the dialect has no spelling for, or no room for, is an error that names kernel and place.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"func f(x in_f32, y out_a16) {\n\tencode(y, 0, x, 0, 32)\n}\n":                                        "target cuda: kernel f: *kernel.Encode has no spelling here",
		"func f(y out_f32) {\n\tgroup(a, 100000)\n\tfor i := range lanes(100000) {\n\t\ta[i] = 0.0\n\t}\n}\n": "target cuda: kernel f: a group needs 400000 bytes of group memory, and there are 232448",
		"func f(y out_f32) {\n\tgrid(i, 100000)\n\ty[i*100000] = 1.0\n}\n":                                    "target cuda: kernel f: y[i * 100000] may be element 9999900000, and indexes have 32 bits",
		"func f(y out_f32, N int) {\n\ty[N] = 1.0\n}\n":                                                       "target cuda: kernel f: N is no symbol of the step",
		join("grid(i, 2000)\n\tgrid(j, 2)\n", "2", "3"):                                                       "target cuda: kernel f: joined(2, p, a, 3, 4): there are 1024 places, of which 0 are taken",
		join("grid(i, 17)\n", "17", "3"):                                                                      "target cuda: kernel f: joined(17, p, a, 3, 4): at most 16 groups join, whose parts have a known size",
		join("grid(i, S)\n", "S", "3"):                                                                        "target cuda: kernel f: joined(S, p, a, 3, 4): at most 16 groups join, whose parts have a known size",
		join("grid(i, 2)\n", "2", "S"):                                                                        "target cuda: kernel f: joined(2, p, a, S, 4): at most 16 groups join, whose parts have a known size",
	} {
		_, _, err := clike.Emit(cuda.Dialect, options(), []*kernel.Kernel{parse(t, text)})
		require.EqualError(t, err, want, text)
	}
	for text, want := range map[string]string{
		"func f(y out_f32) {\n\tgroup(a, 9000)\n\tfor i := range lanes(9000) {\n\t\ta[i] = 0.0\n\t}\n}\n": "target metal: kernel f: a group needs 36096 bytes of group memory, and there are 32768",
		join("grid(i, 2)\n", "2", "3"): "target metal: kernel f: joined(2, p, a, 3, 4): groups do not see what others of their kernel have",
	} {
		_, _, err := clike.Emit(metal.Dialect, options(), []*kernel.Kernel{parse(t, text)})
		require.EqualError(t, err, want, text)
	}
}

// TestStrict: a dialect whose compiler warns declares nothing in vain, and needs no table of precedences to be read.
func TestStrict(t *testing.T) {
	src, _, err := clike.Emit(metal.Dialect, options(), []*kernel.Kernel{parse(t, `func f(x in_i32, y out_f32, S int, P int) {
	grid(a, 3)
	grid(b, S)
	grid(c, 4)
	group(g, 40)
	group(h, 40)
	unused := a + P
	alsoUnused := unused * 2
	n := x[c]
	for i := range lanes(40) {
		m := n + i
		h[i] = float((n & 3 | (i & 1) << (b + 1)) << 2)
	}
	top := sum(j, 40, h[j])
	y[b] = h[c]
}
`)})
	require.NoError(t, err)
	body := spellings[1].own(string(src))
	require.Equal(t, `  alignas(16) threadgroup uchar memory[256];
  const int S = step[0];
  const int c = group_index % 4;
  const int b = group_index / 4 % S;
  threadgroup float* const h = (threadgroup float*)(memory + 0);
  const int n = x[c];
`, body[strings.Index(body, "  alignas"):strings.Index(body, "  for")])
	require.Contains(t, body, "h[i] = float(((n & 3) | (i & 1) << (b + 1)) << 2);")
}

// TestNames: words of the language and of the prelude are no names.
func TestNames(t *testing.T) {
	src, _ := emit(t, options(), parse(t, "func f(new in_f32, class out_f32) {\n\tfor lane := range lanes(7) {\n\t\tclass[lane] = new[lane]\n\t}\n}\n"))
	require.Contains(t, src, "for (int lane_ = thread; lane_ < 7; lane_ += 256) {\n    class_[lane_] = new_[lane_];")
	out, _, err := clike.Emit(metal.Dialect, options(), []*kernel.Kernel{parse(t, "func f(device in_f32, half out_f32) {\n\tfor self := range lanes(7) {\n\t\thalf[self] = device[self]\n\t}\n}\n")})
	require.NoError(t, err)
	require.Contains(t, string(out), "for (int self_ = self; self_ < 7; self_ += 256) {\n    half_[self_] = device_[self_];")
}

// join is a kernel that ends with a join of groups along the last axis of a grid.
func join(grid, groups, each string) string {
	return "func f(p state_f32, y out_f32, S int) {\n\t" + grid + "\tgroup(a, 64)\n\ta[0] = 1.0\n\tfor s := range joined(" + groups + ", p, a, " + each + ", 4) {\n\t\ty[s] = 1.0\n\t}\n}\n"
}

// TestJoined: kernels of a program count groups in places of their own, and loads tell shares from what is for all.
func TestJoined(t *testing.T) {
	k := func(name string) *kernel.Kernel {
		return parse(t, "func "+name+`(p state_f32, y out_f32) {
	grid(i, 3)
	grid(j, 4)
	group(a, 33)
	for n := range lanes(33) {
		a[n] = 1.0
	}
	for s := range joined(4, p, a, 7, 5) {
		for n := range lanes(7) {
			y[i*28+s*7+n] = p[(i*4+2)*33+s*7+n] + p[(28+3)+(i*4+1)*33]
		}
	}
}
`)
	}
	src, fns := emit(t, options(), k("a"), k("b"))
	require.Contains(t, src, "void CLUSTER(4) __launch_bounds__(256) b(")
	require.Contains(t, src, "const Joined<4, 7, 5, 256> joined(step, 0, p, a, memory + 256);")
	require.Contains(t, src, "const Joined<4, 7, 5, 256> joined(step, 3, p, a, memory + 256);")
	require.Contains(t, src, "= joined.of_share(2, s * 7 + n) + joined.of_all(1, 31);")
	require.Equal(t, 640, fns[0].Shared)
	_, _, err := clike.Emit(cuda.Dialect, options(), []*kernel.Kernel{parse(t, `func f(p state_f32, y out_f32) {
	grid(i, 4)
	group(a, 33)
	a[0] = 1.0
	for s := range joined(4, p, a, 7, 5) {
		for n := range lanes(33) {
			y[n] = p[33+n]
		}
	}
}
`)})
	require.EqualError(t, err, "target cuda: kernel f: p[33+n] may be of a share or for all")
}
