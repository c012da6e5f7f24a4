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
	"github.com/llorch/llorch/ir/kernel"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// TestGolden holds the CUDA C of the kernels in testdata, without the device code around it, against the files beside them.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.kernel")
	require.NoError(t, err)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".kernel"), func(t *testing.T) {
			src, fns := emit(t, options(), read(t, f))
			require.Len(t, fns, 1)
			own := src[strings.Index(src, "extern \"C\" __global__"):strings.Index(src, "// ---- pick.cu")]
			golden := strings.TrimSuffix(f, ".kernel") + ".cu"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(own), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), own)
		})
	}
}

func options() clike.Options {
	return clike.Options{
		Symbols: []string{"S", "P"}, Limits: map[string]clike.Range{"S": {Lo: 1, Hi: 32}, "P": {Lo: 0, Hi: 32}},
		RowElems: func(int, int) int64 { return 96 },
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
		"func f(y out_f32) {\n\tgrid(i, 2000)\n\tlast := arrive(i, 2)\n\tif last {\n\t\ty[i] = 1.0\n\t}\n}\n": "target cuda: kernel f: arrive(i): there are 1024 places, of which 0 are taken",
	} {
		_, _, err := clike.Emit(cuda.Dialect, options(), []*kernel.Kernel{parse(t, text)})
		require.EqualError(t, err, want, text)
	}
}

// TestNames: words of C++ and of the prelude are no names.
func TestNames(t *testing.T) {
	src, _ := emit(t, options(), parse(t, "func f(new in_f32, class out_f32) {\n\tfor lane := range lanes(7) {\n\t\tclass[lane] = new[lane]\n\t}\n}\n"))
	require.Contains(t, src, "for (int lane_ = thread; lane_ < 7; lane_ += 256) {\n    class_[lane_] = new_[lane_];")
}

// TestPlacesOfArrive: kernels of a program count in places of their own.
func TestPlacesOfArrive(t *testing.T) {
	k := func(name string) *kernel.Kernel {
		return parse(t, "func "+name+"(y out_f32) {\n\tgrid(i, 3)\n\tgrid(j, 4)\n\tlast := arrive(i, 4)\n\tif last {\n\t\ty[i] = 1.0\n\t}\n}\n")
	}
	src, _ := emit(t, options(), k("a"), k("b"))
	require.Contains(t, src, "arrive(step, i, 4)")
	require.Contains(t, src, "arrive(step, 3 + i, 4)")
}
