package kernel

import "math"

// Fn is a row of the scalar function table: the only list of scalar functions that llorch has. Targets spell a row by its
// Infix form, or as a call of Name.
type Fn struct {
	Name   string // "add"
	Infix  string // "+" when it prints as an operator
	Prec   int    // Go's precedence of Infix: 5 for *, 4 for +, 3 for <, 2 for &&, 1 for ||; C's differs for << >> & |
	Args   []Type
	Result Type
	Eval   func(a []Value) Value // what the interpreter and constant folding compute
	Doc    string
}

// Value is a scalar at run time: I holds an Int or a Bool (0 or 1), F a Float.
type Value struct {
	I int64
	F float32
}

var (
	ii  = []Type{Int, Int}
	ff  = []Type{Float, Float}
	f1  = []Type{Float}
	sel = []Type{Bool, Float, Float}
)

// Fns is the table. Integer division and remainder are of non-negative integers.
var Fns = []*Fn{
	{Name: "add", Infix: "+", Prec: 4, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a + b }), Doc: "a + b"},
	{Name: "sub", Infix: "-", Prec: 4, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a - b }), Doc: "a - b"},
	{Name: "mul", Infix: "*", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a * b }), Doc: "a * b"},
	{Name: "div", Infix: "/", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a / b }), Doc: "⌊a / b⌋, a >= 0, b > 0"},
	{Name: "rem", Infix: "%", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a % b }), Doc: "a mod b, a >= 0, b > 0"},
	{Name: "min", Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return min(a, b) }), Doc: "the lesser"},
	{Name: "max", Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return max(a, b) }), Doc: "the greater"},
	{Name: "lt", Infix: "<", Prec: 3, Args: ii, Result: Bool, Eval: intTest(func(a, b int64) bool { return a < b }), Doc: "a < b"},
	{Name: "le", Infix: "<=", Prec: 3, Args: ii, Result: Bool, Eval: intTest(func(a, b int64) bool { return a <= b }), Doc: "a <= b"},
	{Name: "eq", Infix: "==", Prec: 3, Args: ii, Result: Bool, Eval: intTest(func(a, b int64) bool { return a == b }), Doc: "a == b"},
	{Name: "and", Infix: "&&", Prec: 2, Args: []Type{Bool, Bool}, Result: Bool, Eval: ints(func(a, b int64) int64 { return a & b }), Doc: "both"},
	{Name: "or", Infix: "||", Prec: 1, Args: []Type{Bool, Bool}, Result: Bool, Eval: ints(func(a, b int64) int64 { return a | b }), Doc: "either"},
	{Name: "float", Args: []Type{Int}, Result: Float, Eval: func(a []Value) Value { return Value{F: float32(a[0].I)} }, Doc: "the nearest f32"},
	{Name: "shl", Infix: "<<", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a << b }), Doc: "a · 2ᵇ, 0 <= b < 32"},
	{Name: "shr", Infix: ">>", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a >> b }), Doc: "⌊a / 2ᵇ⌋, 0 <= b < 32"},
	{Name: "band", Infix: "&", Prec: 5, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a & b }), Doc: "bits of both"},
	{Name: "bor", Infix: "|", Prec: 4, Args: ii, Result: Int, Eval: ints(func(a, b int64) int64 { return a | b }), Doc: "bits of either"},
	{Name: "signed16", Args: []Type{Int}, Result: Int, Eval: func(a []Value) Value { return Value{I: int64(int16(a[0].I))} }, Doc: "the two's complement value of the low 16 bits"},
	{Name: "frombits", Args: []Type{Int}, Result: Float, Eval: func(a []Value) Value { return Value{F: math.Float32frombits(uint32(a[0].I))} }, Doc: "the f32 of these 32 bits"},

	{Name: "add", Infix: "+", Prec: 4, Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return a + b }), Doc: "a + b"},
	{Name: "sub", Infix: "-", Prec: 4, Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return a - b }), Doc: "a - b"},
	{Name: "mul", Infix: "*", Prec: 5, Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return a * b }), Doc: "a * b"},
	{Name: "div", Infix: "/", Prec: 5, Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return a / b }), Doc: "a / b"},
	{Name: "min", Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return min(a, b) }), Doc: "the lesser"},
	{Name: "max", Args: ff, Result: Float, Eval: floats(func(a, b float32) float32 { return max(a, b) }), Doc: "the greater"},
	{Name: "lt", Infix: "<", Prec: 3, Args: ff, Result: Bool, Eval: floatTest(func(a, b float32) bool { return a < b }), Doc: "a < b"},
	{Name: "exp", Args: f1, Result: Float, Eval: unary(math.Exp), Doc: "eᵃ"},
	{Name: "log", Args: f1, Result: Float, Eval: unary(math.Log), Doc: "natural logarithm"},
	{Name: "sin", Args: f1, Result: Float, Eval: unary(math.Sin), Doc: "sine of radians"},
	{Name: "cos", Args: f1, Result: Float, Eval: unary(math.Cos), Doc: "cosine of radians"},
	{Name: "sqrt", Args: f1, Result: Float, Eval: unary(math.Sqrt), Doc: "square root"},
	{Name: "rsqrt", Args: f1, Result: Float, Eval: unary(func(x float64) float64 { return 1 / math.Sqrt(x) }), Doc: "1/√a"},
	{Name: "tanh", Args: f1, Result: Float, Eval: unary(math.Tanh), Doc: "hyperbolic tangent"},
	{Name: "choose", Args: sel, Result: Float, Eval: choose, Doc: "b when a, else c"},
}

// Lookup returns the row of that name whose first argument has type t, or nil.
func Lookup(name string, t Type) *Fn {
	for _, f := range Fns {
		if f.Name == name && f.Args[0] == t {
			return f
		}
	}
	return nil
}

// partial reports that the function has no result for some arguments.
func (f *Fn) partial() bool {
	switch f.Name {
	case "div", "rem", "shl", "shr":
		return f.Result == Int
	}
	return false
}

// undefined reports that a partial function has none for these: division wants a >= 0 and b > 0, a shift 0 <= b < 32, so that
// targets with 32-bit indexes agree.
func (f *Fn) undefined(a []Value) bool {
	if f.Name == "div" || f.Name == "rem" {
		return a[0].I < 0 || a[1].I <= 0
	}
	return a[1].I < 0 || a[1].I >= 32
}

func truth(b bool) Value {
	if b {
		return Value{I: 1}
	}
	return Value{}
}

func ints(f func(a, b int64) int64) func([]Value) Value {
	return func(a []Value) Value { return Value{I: f(a[0].I, a[1].I)} }
}

func intTest(f func(a, b int64) bool) func([]Value) Value {
	return func(a []Value) Value { return truth(f(a[0].I, a[1].I)) }
}

func floats(f func(a, b float32) float32) func([]Value) Value {
	return func(a []Value) Value { return Value{F: f(a[0].F, a[1].F)} }
}

func floatTest(f func(a, b float32) bool) func([]Value) Value {
	return func(a []Value) Value { return truth(f(a[0].F, a[1].F)) }
}

func unary(f func(float64) float64) func([]Value) Value {
	return func(a []Value) Value { return Value{F: float32(f(float64(a[0].F)))} }
}

func choose(a []Value) Value {
	if a[0].I != 0 {
		return a[1]
	}
	return a[2]
}
