// Package lower makes kernel IR of fused groups. Each role has a skeleton: map, row, contract, attention. What the group
// computes is inlined into its holes through the ops' Point and Reduce; sizes become parameters of the kernel.
package lower

import (
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Schedule is the sizes a target wants of the skeletons. They are parameters of the kernels, so tuning emits nothing anew.
type Schedule struct {
	Rows    int // rows of weights a group of a contraction takes; rounded up to whole heads where heads must stay together
	Tokens  int // tokens it multiplies them with at a time
	KVBlock int // keys an attention group reads at a time

	// Norms has each group of a contraction with one token compute the norm of its input again, instead of a kernel of its own
	// before: where a kernel's end costs more than many norms.
	Norms bool

	Panels bool         // block weights of projections are repacked in panels
	Acts   kernel.DType // and multiplied, as integers, with activations of this type; Invalid for floats
}

// CPU is the schedule for a few cores with private caches.
var CPU = Schedule{Rows: 64, Tokens: 16, KVBlock: 64, Panels: true, Acts: kernel.A16}

// Launch is a lowered group: a kernel and what its parameters are bound to.
type Launch struct {
	Group  *ir.Group
	Kernel *kernel.Kernel
	Bufs   []*ir.Node // the storage of each buffer parameter
	Ints   []dim.Dim
	Floats []float64
	Writes []*ir.Node // values that it leaves in memory
}
