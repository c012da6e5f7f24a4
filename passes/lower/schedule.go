package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Schedule is what a target wants of the skeletons. Its sizes are parameters of the kernels, so tuning emits nothing anew.
type Schedule struct {
	Chunk int // the most new tokens of a step, unless asked otherwise; 0 for passes.DefaultChunk

	// Contractions with weights.
	Rows       int  // rows of weights that a group takes; rounded up to whole heads where heads must stay together
	Groups     int  // that the device runs at a time: with one token, rows are chosen to fill it; 0 for Rows
	MostRows   int  // then, at most
	ManyRows   int  // the same where there are many tokens; 0 for Rows
	RowUnit    int  // what they are a multiple of; 0 for 1
	Tokens     int  // tokens that are multiplied with at a time
	MostTokens int  // the same where more fill the device better: twice as many, or any multiple of TokenUnit; 0 for Tokens
	TokenUnit  int  // 0 for twice as many only
	Tiled      bool // a group takes so many tokens of them, instead of walking over all
	Results    int  // bytes of group memory that the results of a group may take, at the price of fewer rows, then tokens; 0 for any
	// OverResults is Results where projections of a group's rows are all of one type: multiplied together, they leave results over what
	// they were made from. 0 for Results.
	OverResults int

	// Attention.
	KVBlock int  // keys that a group reads at a time
	Columns int  // columns that a group has at least, where there are many tokens: their heads side by side; 0 for one token's
	Splits  int  // groups that share the keys of one token; 0 and 1 for none
	Joint   bool // they put their results together themselves, a share each; else another kernel does
	Scores  int  // bytes of group memory that all of it may take, at the price of fewer columns; 0 for any

	// Norms has each group of a contraction with one token compute the norm of its input again, instead of a kernel of its own
	// before: where a kernel's end costs more than many norms.
	Norms bool
	// Factors has the results of such a contraction multiplied with what all elements of the norm are multiplied with, instead of
	// those: then the elements need not wait for the sum over all.
	Factors bool
	// Teams has the columns of attention divided over teams of lanes.
	Teams bool
	// Banks has rows of results in group memory begin in different banks.
	Banks bool

	// Pack is the type that a weight of projections is repacked in, Invalid for as it is. Block weights are multiplied, as
	// integers, with activations of type Acts, unless that is Invalid; Narrow is the type that values are rounded to before many
	// tokens are multiplied with packed weights, Invalid for f32.
	Pack   func(kernel.DType) kernel.DType
	Acts   kernel.DType
	Narrow func(kernel.DType) kernel.DType
}

// CPU is the schedule for a few cores with private caches.
var CPU = Schedule{Rows: 64, Tokens: 16, KVBlock: 64, Pack: kernel.DType.Panels, Acts: kernel.A16}

// CUDA is the schedule for a GPU with tensor cores. A group is a block of threads. Half of a token's contraction was the norm and the
// split of its result into what tensor cores multiply (codegen/clike/cuda/NOTES.md), each with barriers, so Factors has neither wait
// for the other. Groups that share the keys of a token are a cluster, for which 8 is the most that every device has room for, and 16
// what data centers' have.
var CUDA = Schedule{
	Chunk: 512,
	Rows:  16, Groups: 132, MostRows: 256, ManyRows: 128, RowUnit: 16, Tokens: 64, TokenUnit: 8, MostTokens: 176, Tiled: true,
	Results: 136 << 10, OverResults: 206 << 10,
	KVBlock: 64, Columns: 64, Splits: 16, Joint: true,
	Norms: true, Factors: true, Teams: true, Banks: true,
	Pack: kernel.DType.Fragments, Narrow: narrowFloat,
}

// Metal is the schedule for the GPUs of Apple's chips, M1 to M4: 8 to 40 cores, whose groups of 256 threads have 32 KiB of memory. Its
// sizes are reasoned, not measured:
//
//   - One token: 32 rows are 4 for each team, which read the vector once, and a layer's matrices are still 64 groups and more.
//   - Many tokens: 64 rows by 64 tokens are 8 tiles of 8 by 8 for each team, in 16.3 KiB. Two projections side by side take 32 tokens.
//   - Attention: 32 columns of heads of up to 64 elements, 16 of up to 128, 8 of up to 256; at least 6 KiB are left for its tiles.
//   - A group that computes a norm again holds the whole vector in its memory, which the widest models exceed.
//   - Keys of one token: a few KV heads are too few groups for a GPU, so 8 groups share them, for 64 groups with 8 heads. Groups of
//     one kernel do not see what others store, so another kernel puts their parts together.
//   - Weights stay as the file has them, so that it is mapped and not read. Activations stay f32, which is
//     exact; what halves would gain, a Mac has to say.
var Metal = Schedule{
	Chunk: 512,
	Rows:  32, Groups: 40, ManyRows: 64, RowUnit: 8, Tokens: 32, MostTokens: 64, Tiled: true, Results: 20 << 10,
	KVBlock: 32, Columns: 32, Scores: 26 << 10, Splits: 8,
	Teams: true, Banks: true,
}

// narrowFloat is the type that tensor cores multiply with a weight's: its own if that has 16 bits, and f16 with codes.
func narrowFloat(w kernel.DType) kernel.DType {
	if w == kernel.BF16 {
		return kernel.BF16
	}
	return kernel.F16
}

// Packed is the type in which a projection's weight is kept, or Invalid for the file's own.
func (s *Schedule) Packed(w ir.Type) kernel.DType {
	if s.Pack == nil || len(w.Axes) != 2 {
		return kernel.Invalid
	}
	p := s.Pack(w.DType)
	if p == kernel.Invalid {
		return p
	}
	if n, ok := w.Axes[1].Dim.Const(); !ok || n%int64(p.Row().Elems) != 0 {
		return kernel.Invalid
	}
	return p
}

// Launch is a lowered group: a kernel and what its parameters are bound to.
type Launch struct {
	Group  *ir.Group
	Kernel *kernel.Kernel
	Bufs   []*ir.Node // the storage of each buffer parameter
	Ints   []dim.Dim
	Floats []float64
	Writes []*ir.Node // values that it leaves in memory
}
