package kernel

import "fmt"

// Type is the type of a scalar: an index (64 bits on a CPU), an f32, or a truth value.
type Type uint8

const (
	Int Type = iota
	Float
	Bool
)

func (t Type) String() string { return [...]string{"int", "float", "bool"}[t] }

// Expr is a scalar expression: *IntLit, *FloatLit, *Var, *Load or *Call. Expressions are immutable and may be shared.
type Expr interface{ Type() Type }

type (
	// IntLit prints as 3.
	IntLit struct{ V int64 }

	// FloatLit prints with a point or an exponent: 1.0, 1e-05.
	FloatLit struct{ V float32 }

	// Var is a parameter, a loop or grid variable, or a scalar named by Let or Reduce.
	Var struct {
		Name string
		T    Type
	}

	// Load reads one element of a buffer or of group memory: an int from an i32 buffer, otherwise a float.
	Load struct {
		Buf   string
		Index Expr
		T     Type
	}

	// Call applies a row of the function table.
	Call struct {
		Fn   *Fn
		Args []Expr
	}
)

func (*IntLit) Type() Type   { return Int }
func (*FloatLit) Type() Type { return Float }
func (v *Var) Type() Type    { return v.T }
func (l *Load) Type() Type   { return l.T }
func (c *Call) Type() Type   { return c.Fn.Result }

// I is an integer literal.
func I(v int64) Expr { return &IntLit{v} }

// F is a float literal.
func F(v float64) Expr { return &FloatLit{float32(v)} }

// IntVar refers to a named integer.
func IntVar(name string) Expr { return &Var{name, Int} }

// FloatVar refers to a named float.
func FloatVar(name string) Expr { return &Var{name, Float} }

// At loads a float from buf.
func At(buf string, index Expr) Expr { return &Load{buf, index, Float} }

// IntAt loads an integer from buf.
func IntAt(buf string, index Expr) Expr { return &Load{buf, index, Int} }

// Apply calls the named function on args; the row is chosen by the first argument's type. It panics when the table has no
// such row: expressions are built by llorch's own code, and text is checked by Parse.
func Apply(name string, args ...Expr) Expr {
	fn := Lookup(name, args[0].Type())
	if fn == nil || len(fn.Args) != len(args) {
		panic(fmt.Sprintf("kernel: no function %s of %d arguments, the first of type %v", name, len(args), args[0].Type()))
	}
	for i, a := range args {
		if a.Type() != fn.Args[i] {
			panic(fmt.Sprintf("kernel: %s: argument %d is %v, want %v", name, i, a.Type(), fn.Args[i]))
		}
	}
	return simplify(&Call{fn, args})
}

// The functions below call rows of Fns and drop identities such as 0 + x, 1 * x and, of integers, 0 * x.

// Add is a + b, of either type.
func Add(a, b Expr) Expr { return Apply("add", a, b) }

// Sub is a - b, of either type.
func Sub(a, b Expr) Expr { return Apply("sub", a, b) }

// Mul is a * b, of either type.
func Mul(a, b Expr) Expr { return Apply("mul", a, b) }

// Div is a / b, of either type. Integers must not be negative, and are rounded down.
func Div(a, b Expr) Expr { return Apply("div", a, b) }

// Rem is the remainder of integers that are not negative.
func Rem(a, b Expr) Expr { return Apply("rem", a, b) }

// Min is the lesser, of either type.
func Min(a, b Expr) Expr { return Apply("min", a, b) }

// MaxE is the greater, of either type.
func MaxE(a, b Expr) Expr { return Apply("max", a, b) }

// CeilDiv is ⌈a/b⌉ of positive integers.
func CeilDiv(a, b Expr) Expr { return Div(Sub(Add(a, b), I(1)), b) }
