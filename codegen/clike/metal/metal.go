// Package metal is the Metal Shading Language as a dialect of clike: the prelude that kernels are written in terms of, and the table of
// tiles, which has none yet: products are spelled as loops of simdgroups.
package metal

import (
	"embed"
	"fmt"
	"strings"

	"github.com/llorch/llorch/codegen/clike"
	"github.com/llorch/llorch/ir/kernel"
)

//go:embed *.metal
var files embed.FS

// Dialect is Metal 3.1 and newer, which have bfloat, on the GPUs of Apple's own chips.
var Dialect = &clike.Dialect{
	Name:    "metal",
	Files:   files,
	Prelude: []string{"prelude.metal"},

	Tiles:   tiles,
	Threads: 256,
	Team:    32,
	Memory:  32 << 10,
	Strict:  true,
	Words:   words,
	Types: map[kernel.DType]string{
		kernel.F32: "float", kernel.F16: "half", kernel.BF16: "bfloat", kernel.I32: "int", kernel.Pos: "int", kernel.BoolT: "uchar",
	},
	Bytes:   "uchar",
	Weights: "device const uchar*",
	Inline:  "inline",
	Self:    "self",
	Place:   "place",
	Open:    open,
	Local: func(name string, offset int) string {
		return fmt.Sprintf("threadgroup float* const %s = (threadgroup float*)(memory + %d);", name, offset)
	},
}

// open declares a kernel. Its buffer 0 is the step's memory: the symbols' values. No function of Metal knows which thread calls it, so
// the kernel tells it.
func open(h clike.Head) string {
	params := []string{"MAYBE_UNUSED device const int* step [[buffer(0)]]"}
	for i, p := range h.Params {
		constant := ""
		if p.Const {
			constant = "const "
		}
		params = append(params, fmt.Sprintf("device %s%s* %s [[buffer(%d)]]", constant, p.Type, p.Name, i+1))
	}
	params = append(params, "uint thread_index [[thread_index_in_threadgroup]]", "uint group_position [[threadgroup_position_in_grid]]")
	s := fmt.Sprintf("kernel void %s(%s) {\n", h.Name, strings.Join(params, ", "))
	s += "  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);\n"
	s += "  MAYBE_UNUSED const Place place = {self, lane, team};\n"
	if h.Memory > 0 {
		s += fmt.Sprintf("  alignas(16) threadgroup uchar memory[%d];\n", h.Memory)
	}
	return s
}

// words are those of C++ and Metal that are Go identifiers, and what the prelude declares for kernels.
var words = strings.Fields(`
	alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const consteval constexpr constinit
	const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern false
	float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
	register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
	thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
	kernel vertex fragment mesh object visible device constant threadgroup threadgroup_imageblock thread ray_data object_data
	metal half bfloat uchar ushort uint ulong size_t ptrdiff_t atomic_int atomic_uint sampler texture1d texture2d texture3d
	INFINITY NAN MAXFLOAT FLT_MAX HUGE_VALF assert main min max
	TEAM INFINITE NOT_A_NUMBER MAYBE_UNUSED Place self turn lane team group_index place memory group_memory step thread_index group_position
	fminf fmaxf expf logf sinf cosf tanhf sqrtf rsqrtf to_f16 to_bf16 load_f16 load_bf16 word8 word16 word32 signed16 float_of_bits
	sum_team max_team sum_group max_group group_barrier team_barrier`)
