// Package cuda is CUDA C as a dialect of clike: the prelude that kernels are written in terms of, and the tiles, which are templates
// of device code around tensor cores.
package cuda

import (
	"embed"
	"fmt"
	"strings"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

//go:embed *.cuh *.cu
var files embed.FS

// Dialect is CUDA C for sm_80 and newer.
var Dialect = &clike.Dialect{
	Name:    "cuda",
	Files:   files,
	Prelude: []string{"prelude.cuh", "join.cuh"},

	Tail:    []string{"pick.cu"},
	Tiles:   tiles,
	Loops:   loops,
	Threads: 256,
	Team:    32,
	Memory:  227 << 10,
	Joined:  16,
	Counts:  1024,
	Overlap: true,
	Words:   words,
	Types: map[kernel.DType]string{
		kernel.F32: "float", kernel.F16: "f16", kernel.BF16: "bf16", kernel.I32: "int", kernel.Pos: "int", kernel.BoolT: "unsigned char",
	},
	Bytes:   "unsigned char",
	Weights: "const unsigned char*",
	Inline:  "__device__ __forceinline__",
	Self:    "thread",
	Open:    open,
	Local: func(name string, offset int) string {
		return fmt.Sprintf("float* const %s = (float*)(memory + %d);", name, offset)
	},
}

// open declares a kernel. Its first parameter is the step's memory: the symbols' values, then the counts of Joined.
func open(h clike.Head) string {
	params := []string{"const int* step"}
	for _, p := range h.Params {
		switch {
		case p.Weight:
			params = append(params, "const "+p.Type+"* __restrict__ "+p.Name)
		case p.Const:
			params = append(params, "const "+p.Type+"* "+p.Name)
		default:
			params = append(params, p.Type+"* "+p.Name)
		}
	}
	cluster, bounds := "", fmt.Sprint(h.Threads)
	if h.Cluster > 0 {
		cluster = fmt.Sprintf("CLUSTER(%d) ", h.Cluster)
	}
	if h.Single {
		bounds += ", 1"
	}
	s := fmt.Sprintf("extern \"C\" __global__ void %s__launch_bounds__(%s) %s(%s) {\n", cluster, bounds, h.Name, strings.Join(params, ", "))
	s += "  const int thread = threadIdx.x, lane = thread & 31, team = thread >> 5, group_index = blockIdx.x;\n"
	if h.Memory > 0 {
		s += "  extern __shared__ __align__(128) unsigned char memory[];\n"
	}
	return s
}

// words are those of C++ and CUDA that are Go identifiers, and what the prelude declares for kernels.
var words = strings.Fields(`
	alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const consteval constexpr constinit
	const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern false
	float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
	register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
	thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
	attended product from
	threadIdx blockIdx blockDim gridDim warpSize min max
	TEAM INFINITE NOT_A_NUMBER CLUSTER Joined thread turn lane team group_index memory step f16 bf16`)
