package clike

import (
	"io/fs"

	"github.com/llorch/llorch/ir/kernel"
)

// Dialect is a C-like language.
type Dialect struct {
	Name    string
	Files   fs.FS       // device code
	Prelude []string    // files that every source begins with
	Tail    []string    // files that every source ends with: kernels of the runtime's own
	Tiles   []*Tile     // in order of preference
	Loops   []*LoopTile // the same, of loops of attention
	Threads int         // of a group
	Team    int         // lanes of a team
	Memory  int         // the most bytes of group memory that a group may have
	Joined  int         // the most groups that a Join may have; 0 where groups do not see what others of their kernel have
	Counts  int         // places that a step has for them to be counted in
	Overlap bool        // a kernel may start before the one before it has ended, and waits for it itself
	Strict  bool        // the compiler is asked to warn of names that nothing uses, and of operators that readers confuse
	Words   []string    // that kernels may not use as names: keywords, and what the prelude declares

	Types   map[kernel.DType]string // element types of memory, as loads and stores name them
	Bytes   string                  // element type of matrices of blocks
	Weights string                  // type of a pointer to such, as a function takes it
	Inline  string                  // what a small function begins with
	Self    string                  // the thread's number in its group
	Place   string                  // last argument of functions that must know which thread calls them; "" where they know by themselves
	// Open is the head of a kernel up to its first statement.
	Open func(h Head) string
	// Local declares group memory at a byte offset.
	Local func(name string, offset int) string
}

// Head is a kernel's declaration.
type Head struct {
	Name    string
	Threads int
	Params  []Param
	Memory  int  // bytes of group memory
	Cluster int  // groups that a Join has, which are launched together; 0 without one
	Single  bool // a multiprocessor has one group at a time
}

// Param is a buffer: a pointer to Type, which is const unless the kernel writes it. What is Weight is never written while a model
// runs.
type Param struct {
	Name, Type string
	Const      bool
	Weight     bool
}

// functions spells those of kernel.Fns that are no operators in C; the prelude declares what C has not.
var functions = map[string]string{
	"min/int": "min", "max/int": "max", "signed16/int": "signed16", "frombits/int": "float_of_bits",
	"min/float": "fminf", "max/float": "fmaxf", "exp/float": "expf", "log/float": "logf", "sin/float": "sinf", "cos/float": "cosf",
	"sqrt/float": "sqrtf", "rsqrt/float": "rsqrtf", "tanh/float": "tanhf",
}

// precedence of C's operators, which differs from Go's.
var precedence = map[string]int{
	"mul": 10, "div": 10, "rem": 10, "add": 9, "sub": 9, "shl": 8, "shr": 8, "lt": 7, "le": 7, "eq": 6, "band": 5, "bor": 4, "and": 3,
	"or": 2, "choose": 1,
}

// confused are operators whose operands of some others stand in parentheses where a compiler warns of those without, though C's
// precedence needs none.
var confused = map[string][]string{"shl": {"add", "sub"}, "shr": {"add", "sub"}, "bor": {"band"}, "or": {"and"}}
