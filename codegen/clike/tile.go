package clike

import "github.com/llorch/llorch/ir/kernel"

// Tile is a way to spell Dot or Mix: a template of the dialect's device code, which has static functions that all threads of a
// group call together:
//
//	fetch(ring, w, rows)             begins to load weights, before the kernel may touch other memory; where the plan has a ring
//	rest(ring, w, rows)              loads more, once x is on its way; where there is a fetch
//	prepare(prep, x, xStride, cols)  puts x into the form that run wants; where the plan prepares
//	run(acc, accStride, w, wStride, x, xStride, rows, cols, k, ring, prep)
//	pair(acc, acc2, accStride, w, w2, wStride, x, xStride, rows, cols, k, ring, prep)
//
// With a ring, prepare has one more parameter, which it calls when x is on its way. Each has the dialect's Place as its last argument.
//
// A tile that takes x from registers too has a type for what a thread has of it, and prepare(prep, own). Of that, own.load(p) loads
// the thread's elements of a buffer in memory and stays before a wait, own[i] is one of them, and own.has(i) tells whether it is in x;
// what is not is zero.
//
// w and x point to the first element (of fragments: the first byte), rows, cols and k are ints, acc is group memory, ring and prep
// are the plan's own. There is one fetch before each run. There is a barrier before run wherever x or acc need one, one before
// prepare, and one between prepare and run; what run leaves in acc is seen after a barrier. pair is two runs with the same x, where the
// plan is for both.
type Tile struct {
	Name  string
	Files []string // of device code, each after those that it uses
	// Plan says how to spell a call, or is nil when the tile is not made for it.
	Plan func(c Call) *Plan
}

// Call is what is known of a Dot or Mix before it runs.
type Call struct {
	Mix                         bool
	W, X                        Operand
	Rows, Cols, K               Range
	WStride, XStride, AccStride Range
	Threads                     int // of the group
	// Pair says that a call of the same sizes and types follows, with the same x: the plan may be for both.
	Pair bool
	Room int // bytes of group memory that the kernel leaves to tiles
}

// Operand is where a matrix lies.
type Operand struct {
	DType kernel.DType // F32 in group memory
	Role  kernel.Role
	Group bool // in group memory
}

// Plan is a tile chosen for a call.
type Plan struct {
	Type string // "Gemv<Q40, 2048, 8, 4, 2>"
	Ring int    // bytes of group memory, 128-byte aligned, that fetch fills; 0: there is no fetch
	Prep int    // bytes of group memory, 128-byte aligned, of prepare and run; 0: there is no prepare
	// Form names what prepare leaves; calls of the same form with the same x share it. Empty: run alone uses prep.
	Form string
	// Own is the type of what a thread has of x in registers, and Owned the number of its elements, of which none is beyond x if they
	// are Whole. Empty: x is in memory.
	Own   string
	Owned int
	Whole bool
	// Threads is the size of group that the plan wants instead of the call's; 0 takes any.
	Threads int
	Code    string // device code for this type, behind the files
	Pair    bool   // for the call that follows, too
	Over    bool   // acc may lie over prep, which run is done with when it writes results
	Single  bool   // a multiprocessor has one group at a time, whatever else there is room for: the plan wants all registers
}
