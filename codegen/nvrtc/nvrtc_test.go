package nvrtc

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const scale = `extern "C" __global__ void scale(float* x, float a) { x[blockIdx.x * blockDim.x + threadIdx.x] *= a; }
`

// compiler is the machine's NVRTC; without one the test is skipped.
func compiler(t testing.TB) *Compiler {
	c, err := Load()
	if err != nil {
		t.Skipf("needs NVRTC (make nvrtc, or pip install nvidia-cuda-nvrtc-cu12, or LLORCH_NVRTC=/path/to/libnvrtc.so.12): %v", err)
	}
	return c
}

func TestLoad(t *testing.T) {
	c := compiler(t)
	require.Contains(t, filepath.Base(c.Path()), "nvrtc")
	require.Regexp(t, regexp.MustCompile(`^1\d\.\d+$`), c.Version())
	again, err := Load()
	require.NoError(t, err)
	require.Same(t, c, again)
}

func TestCubin(t *testing.T) {
	for _, arch := range []string{"sm_80", "sm_90", "sm_90a"} {
		r, err := compiler(t).Compile([]byte(scale), "scale.cu", Options{Arch: arch})
		require.NoError(t, err, arch)
		require.Nil(t, r.PTX)
		require.Empty(t, r.Log)
		// debug/elf refuses the version in the header, which is CUDA's.
		require.True(t, bytes.HasPrefix(r.Cubin, []byte(elf.ELFMAG)), arch)
		require.Equal(t, uint16(190), binary.LittleEndian.Uint16(r.Cubin[18:]), "e_machine is EM_CUDA")
		require.Contains(t, string(r.Cubin), "\x00.text.scale\x00", "the kernel's section")
	}
}

func TestPTX(t *testing.T) {
	r, err := compiler(t).Compile([]byte(scale), "scale.cu", Options{Arch: "compute_80"})
	require.NoError(t, err)
	require.Nil(t, r.Cubin)
	require.Equal(t, len(r.PTX)-1, bytes.IndexByte(r.PTX, 0), "one zero byte, at the end")
	require.Contains(t, string(r.PTX), ".target sm_80\n")
	require.Contains(t, string(r.PTX), ".entry scale(")
}

func TestFlags(t *testing.T) {
	c := compiler(t)
	src := []byte("extern \"C\" __global__ void k(float* x) { *x = N; }\n")
	_, err := c.Compile(src, "k.cu", Options{Arch: "compute_80"})
	require.EqualError(t, err, "k.cu:1: identifier \"N\" is undefined\n    "+strings.TrimSpace(string(src)))
	r, err := c.Compile(src, "k.cu", Options{Arch: "compute_80", Flags: []string{"-DN=1.0f", "--fmad=false"}})
	require.NoError(t, err)
	require.Contains(t, string(r.PTX), "1065353216") // 1.0 as bits
}

func TestWarningsAreInTheLog(t *testing.T) {
	src := "extern \"C\" __global__ void k(float* x) {\n    int unused;\n}\n"
	r, err := compiler(t).Compile([]byte(src), "warn.cu", Options{Arch: "sm_80"})
	require.NoError(t, err)
	require.NotEmpty(t, r.Cubin)
	require.Contains(t, r.Log, `warn.cu(2): warning`)
	require.NotContains(t, r.Log, "\x00")
}

func TestCompileErrors(t *testing.T) {
	c := compiler(t)
	for _, k := range []struct{ name, src, want string }{
		{"two", "__device__ void f(int* p) {\n    *p = missing;\n    *p = absent;\n}\n", "k.cu:2: identifier \"missing\" is undefined\n    *p = missing;\nand 1 more error"},
		{"include", "#include <cuda_fp16.h>\n", "k.cu:1: could not open source file \"cuda_fp16.h\" (no directories in search list)\n    #include <cuda_fp16.h>"},
		{"assembler", "__global__ void k(int* p) { asm volatile(\"bogus %0;\" :: \"r\"(*p)); }\n", "k.cu: ptxas application ptx input, line"},
		{"linker", "__device__ int f();\n__global__ void k(int* p) { *p = f(); }\n", "k.cu: ptxas fatal : Unresolved extern function '_Z1fv'"},
	} {
		t.Run(k.name, func(t *testing.T) {
			r, err := c.Compile([]byte(k.src), "k.cu", Options{Arch: "sm_80"})
			require.Nil(t, r)
			require.IsType(t, &CompileError{}, err)
			require.Contains(t, err.Error(), k.want)
			e := err.(*CompileError)
			require.Equal(t, "k.cu", e.Name)
			require.NotContains(t, e.Log, "\x00")
		})
	}
}

func TestRefused(t *testing.T) {
	c := compiler(t)
	for _, k := range []struct {
		name, src, file string
		o               Options
		want            []string
	}{
		{"no architecture", scale, "k.cu", Options{}, []string{`architecture "": want sm_NN`}},
		{"form", scale, "k.cu", Options{Arch: "sm_90x"}, []string{`architecture "sm_90x": want sm_NN`}},
		{"long", scale, "k.cu", Options{Arch: "sm_99999999999999999999"}, []string{"want sm_NN"}},
		{"zeros", scale, "k.cu", Options{Arch: "sm_090"}, []string{"want sm_NN"}},
		{"injected", scale, "k.cu", Options{Arch: "sm_90\n"}, []string{"want sm_NN"}},
		{"too old", scale, "k.cu", Options{Arch: "sm_20"}, []string{"architecture sm_20: NVRTC " + c.Version() + " has ", " sm_80 ", " sm_90"}},
		{"ancient", scale, "k.cu", Options{Arch: "sm_1"}, []string{"architecture sm_1: NVRTC " + c.Version() + " has "}},
		{"too new", scale, "k.cu", Options{Arch: "compute_999"}, []string{"architecture compute_999: NVRTC", " compute_80 ", " compute_90"}},
		{"suffix", scale, "k.cu", Options{Arch: "sm_80a"}, []string{"k.cu: ", "--gpu-architecture=sm_80a: NVRTC_ERROR_", "Command-line error"}},
		{"flag", scale, "k.cu", Options{Arch: "sm_80", Flags: []string{"--bogus"}}, []string{"NVRTC_ERROR_INVALID_OPTION", "--bogus"}},
		{"second architecture", scale, "k.cu", Options{Arch: "sm_80", Flags: []string{"-arch=sm_90"}}, []string{"k.cu: flag -arch=sm_90: the architecture"}},
		{"no code", scale, "k.cu", Options{Arch: "sm_80", Flags: []string{"-dlto"}}, []string{"k.cu: ", "-dlto"}},
		{"zero in the source", "int\x00", "k.cu", Options{Arch: "sm_80"}, []string{"k.cu: zero byte at offset 3 of 4"}},
		{"zero in the name", scale, "k\x00.cu", Options{Arch: "sm_80"}, []string{`"k\x00.cu" has a zero byte`}},
		{"zero in a flag", scale, "k.cu", Options{Arch: "sm_80", Flags: []string{"-DA\x00"}}, []string{`"-DA\x00" has a zero byte`}},
	} {
		t.Run(k.name, func(t *testing.T) {
			r, err := c.Compile([]byte(k.src), k.file, k.o)
			require.Nil(t, r)
			for _, w := range k.want {
				require.ErrorContains(t, err, w)
			}
			require.NotContains(t, err.Error(), "\n")
			require.NotErrorAs(t, err, new(*CompileError))
		})
	}
}

// TestParallel compiles different sources at once: each result is the one that the source has alone.
func TestParallel(t *testing.T) {
	c := compiler(t)
	src := func(i int) []byte {
		return fmt.Appendf(nil, "extern \"C\" __global__ void k%d(float* x) { x[threadIdx.x] += sqrtf(x[%d]); }\n", i, i)
	}
	arch := func(i int) Options { return Options{Arch: []string{"sm_80", "sm_90", "compute_80"}[i%3]} }
	const n = 12
	alone, together := make([]*Result, n), make([]*Result, n)
	errs := make([]error, n)
	for i := range n {
		var err error
		alone[i], err = c.Compile(src(i), "k.cu", arch(i))
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if i%4 == 3 {
				_, errs[i] = c.Compile(append(src(i), "error"...), "k.cu", arch(i))
				return
			}
			together[i], errs[i] = c.Compile(src(i), "k.cu", arch(i))
		})
	}
	wg.Wait()
	for i := range n {
		if i%4 == 3 {
			require.IsType(t, &CompileError{}, errs[i])
			continue
		}
		require.NoError(t, errs[i])
		require.Equal(t, alone[i], together[i])
	}
}
