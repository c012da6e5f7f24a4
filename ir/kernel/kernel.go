package kernel

import "fmt"

// Kernel is one kernel. It prints as a Go function:
//
//	func norm(x in_f32, w in_f32, y out_f32, K int, eps float) {
//		grid(t, S)
//		...
//	}
type Kernel struct {
	Name   string   // from the graph's values, without the layer: "attn_qkv"
	Doc    []string // the graph nodes that it fuses, a line each; no part of the key
	Bufs   []Buf    // global memory, in binding order
	Ints   []string // integer parameters: sizes, schedule, step symbols
	Floats []string // f32 parameters
	Grid   []Axis   // the groups; the last axis varies fastest
	Group  []Local  // group memory
	Body   []Stmt
}

// Role says how a kernel uses a buffer.
type Role uint8

const (
	In     Role = iota // read only
	Out                // written only
	State              // a KV cache: read and written
	Weight             // read only, of any weight type: its dtype is a parameter of the kernel, until Bind fixes it
)

// Buf is a buffer parameter: "x in_f32", "k state_f16", "w weight"; "w weight_q4_0" in a bound kernel.
type Buf struct {
	Name  string
	Role  Role
	DType DType // Invalid for Weight, unless bound
}

// Axis is a grid axis: Var takes each value in [0, N).
type Axis struct {
	Var string
	N   Expr
}

// Local is f32 group memory of N elements. It is not cleared between groups.
type Local struct {
	Name string
	N    Expr
}

// Stmt is a statement: *Let, *Store, *For, *Reduce, *If, *Dot, *Mix, *Encode or *Join.
type Stmt interface{ stmt() }

type (
	// Let names a scalar.
	Let struct {
		Name  string
		Value Expr
	}

	// Store writes one element, rounding to the buffer's dtype.
	Store struct {
		Buf   string
		Index Expr
		Value Expr
	}

	// For is a loop over Var from Lo below Hi by Step. With Lanes or Teams, Lo is 0, Step is 1 and the iterations are independent:
	// each is run by a lane, or by a team of lanes together.
	For struct {
		Var          string
		Lo, Hi, Step Expr
		Lanes, Teams bool
		Body         []Stmt
	}

	// Reduce names the sum or maximum of Value over Var in [0, N): 0 and -inf when N is 0. In a loop over lanes each lane computes its
	// own.
	Reduce struct {
		Name  string
		Op    ReduceOp
		Var   string
		N     Expr
		Value Expr
	}

	// If chooses; all lanes of a group choose alike.
	If struct {
		Cond       Expr
		Then, Else []Stmt
	}

	// Dot is a tile of inner products of rows of the matrix W with rows of X:
	//
	//	Acc[AccAt + r*AccStride + c] = Σ_{k<K} W[WAt + r*WStride + k] · X[XAt + c*XStride + k]   for r < Rows, c < Cols
	//
	// W is a Weight, In or State buffer, X a group buffer, one of f32, f16 or bf16, or one of activations, Acc group memory.
	// AccStride is nil for Cols; a target whose memory has banks wants another.
	Dot struct {
		Acc           string
		AccAt         Expr
		W             string
		WAt, WStride  Expr
		X             string
		XAt, XStride  Expr
		Rows, Cols, K Expr
		AccStride     Expr
	}

	// Mix adds weighted sums of rows of the matrix W:
	//
	//	Acc[AccAt + c*K + k] += Σ_{r<Rows} X[XAt + c*XStride + r] · W[WAt + r*WStride + k]   for c < Cols, k < K
	Mix struct {
		Acc           string
		AccAt         Expr
		W             string
		WAt, WStride  Expr
		X             string
		XAt, XStride  Expr
		Rows, Cols, K Expr
		AccStride     Expr // nil: it is K
	}

	// Encode writes N elements, which are whole blocks, to a buffer of activations:
	//
	//	Buf[At + i] = X[XAt + i]   for i < N
	//
	// X is group memory or an f32 buffer.
	Encode struct {
		Buf    string
		At     Expr
		X      string
		XAt, N Expr
	}

	// Join ends a kernel. The Groups groups along the last grid axis each leave a part, N = Groups*Each + All elements of their group
	// memory X, one after another:
	//
	//	Parts[g*N + i] = X[i]   for i < N, where g is the group's number among all
	//
	// and then run Body with each Var in [0, Groups): each value in one of them, whichever that is. What Body loads of the parts of all
	// of them is either the share of its value, Var*Each <= i < (Var+1)*Each, or the last All elements. Parts is a State buffer of f32
	// that nothing else uses; what lies there afterwards is not said.
	Join struct {
		Var       string
		Groups    Expr
		Parts     string
		X         string
		Each, All Expr
		Body      []Stmt
	}
)

func (*Let) stmt()    {}
func (*Store) stmt()  {}
func (*For) stmt()    {}
func (*Reduce) stmt() {}
func (*If) stmt()     {}
func (*Dot) stmt()    {}
func (*Mix) stmt()    {}
func (*Encode) stmt() {}
func (*Join) stmt()   {}

// ReduceOp is the operation of a Reduce.
type ReduceOp uint8

const (
	Sum ReduceOp = iota
	Max
)

func (o ReduceOp) String() string {
	if o > Max {
		return fmt.Sprintf("reduce(%d)", uint8(o))
	}
	return [...]string{"sum", "max"}[o]
}
