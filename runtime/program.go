package runtime

import "github.com/llorch/llorch/models/tokenizer"

// Program is a compiled model: everything a device needs except the bytes of the weights. Its JSON form is an artifact's
// manifest.json.
type Program struct {
	Format    int             `json:"format"`   // version of this structure
	Compiler  string          `json:"compiler"` // llorch's version
	Target    string          `json:"target"`
	Model     string          `json:"model"` // the model's own name
	Arch      string          `json:"arch"`
	Context   int             `json:"context"` // the most tokens a sequence may have: P+S <= Context
	Vocab     int             `json:"vocab"`
	Chunk     int             `json:"chunk"`   // the most new tokens of a prefill or logits step
	Symbols   []string        `json:"symbols"` // order of Affine.Coef: new tokens, then past tokens, then any other
	Steps     []Step          `json:"steps"`   // the specialisations: decode, prefill, logits
	Kernels   []Kernel        `json:"kernels"`
	Weights   []Tensor        `json:"weights"`
	States    []StateBuffer   `json:"states"`
	Tokenizer *tokenizer.Spec `json:"tokenizer,omitempty"`
}

// Names of the specialisations that a session runs.
const (
	Decode  = "decode"  // one new token, logits of it
	Prefill = "prefill" // up to Chunk new tokens, logits of the last
	Logits  = "logits"  // up to Chunk new tokens, logits of each
)

// Step is one specialisation of the graph: launches to run in order.
type Step struct {
	Name     string   `json:"name"`
	Arena    int64    `json:"arena"` // bytes of intermediates
	Inputs   []Port   `json:"inputs"`
	Outputs  []Port   `json:"outputs"`
	Launches []Launch `json:"launches"`
}

// Step finds a specialisation by name, or nil.
func (p *Program) Step(name string) *Step {
	for i := range p.Steps {
		if p.Steps[i].Name == name {
			return &p.Steps[i]
		}
	}
	return nil
}

// Port is an input or output of a step: an array of Shape at Offset in the arena.
type Port struct {
	Name   string   `json:"name"`
	DType  string   `json:"dtype"`
	Offset int64    `json:"offset"`
	Shape  []Affine `json:"shape"`
}

// Elems is the number of elements for the given symbols; negative when an extent is, or when there are too many.
func (p *Port) Elems(symbols []int64) int64 {
	n := int64(1)
	for _, a := range p.Shape {
		d := a.Eval(symbols)
		if d < 0 {
			return d
		}
		if d > 0 && n > (1<<56)/d {
			return -1
		}
		n *= d
	}
	return n
}

// Kernel is a compiled kernel: Key names its structure, Text is its kernel IR.
type Kernel struct {
	Name string   `json:"name"`
	Key  string   `json:"key"`
	Doc  []string `json:"doc,omitempty"`
	Text string   `json:"text"`

	// Of targets whose kernels are compiled for a device: the lanes of a group, and the bytes of group memory that a launch gives
	// one, with what the target itself wants of it.
	Threads int `json:"threads,omitempty"`
	Shared  int `json:"shared,omitempty"`
}

// Launch runs a kernel over its grid.
type Launch struct {
	Kernel int       `json:"kernel"` // index into Program.Kernels
	Node   string    `json:"node"`   // the graph values it computes, for errors and profiles
	Bufs   []Ref     `json:"bufs"`
	Ints   []Affine  `json:"ints"`
	Floats []float32 `json:"floats,omitempty"`
}

// Space says which memory a Ref points into.
type Space string

const (
	Arena  Space = "arena"
	Weight Space = "weight"
	State  Space = "state"
)

// Ref is a buffer argument: Bytes bytes of the arena from Offset, or a whole weight or state by its index.
type Ref struct {
	Space  Space  `json:"space"`
	Index  int    `json:"index,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	DType  string `json:"dtype"`
}

// Affine is Const + Σ Coef[i]·symbol[i], with the symbols in Program.Symbols' order.
type Affine struct {
	Const int64   `json:"c,omitempty"`
	Coef  []int64 `json:"k,omitempty"`
}

// Eval is the value for the given symbols.
func (a Affine) Eval(symbols []int64) int64 {
	v := a.Const
	for i, k := range a.Coef {
		v += k * symbols[i]
	}
	return v
}

// Tensor is a weight. Offset and SHA256 are of its region in an artifact's weights.bin.
type Tensor struct {
	Name   string  `json:"name"`
	DType  string  `json:"dtype"`
	Shape  []int64 `json:"shape"`
	Bytes  int64   `json:"bytes"`
	Offset int64   `json:"offset"`
	SHA256 string  `json:"sha256,omitempty"`
}

// StateBuffer is one KV cache of a sequence: Shape with axis Ctx as long as the context.
type StateBuffer struct {
	Name  string  `json:"name"`
	DType string  `json:"dtype"`
	Shape []int64 `json:"shape"`
	Ctx   int     `json:"ctx_axis"` // index of the context axis in Shape
	Bytes int64   `json:"bytes"`
}

// Weights hands out the bytes of a program's weights, in the program's dtype and order. The bytes are read-only and live
// until Close.
type Weights interface {
	Data(t *Tensor) ([]byte, error)
	Close() error
}
