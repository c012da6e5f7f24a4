package ir

import (
	"fmt"

	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// Class is all that passes know of an op.
type Class uint8

const (
	Leaf        Class = iota // declares a value: a weight, an input, a state, positions
	Elementwise              // an element depends on the elements of the same coordinates
	IndexMap                 // an element depends on a few elements whose coordinates are functions of its own
	RowReduce                // reductions along one axis, then a map over it
	Contraction              // a sum of products along one axis
	StateStore               // appends to a state; the only kind of op that writes
	Encoding                 // the operand's rows in blocks of a narrower type
)

func (c Class) String() string {
	return [...]string{"leaf", "elementwise", "index map", "row reduction", "contraction", "state store", "encoding"}[c]
}

// Source says where a leaf's elements come from.
type Source uint8

const (
	Computed     Source = iota // no leaf
	FromWeights                // the model's file
	FromCaller                 // the arguments of a run
	FromCompiler               // the graph itself
	FromSession                // a sequence's memory
	FromStep                   // the step's place in the sequence: a formula of coordinates, no memory
)

// Op is a row of the op table: everything llorch knows of an op. Package op holds the rows.
type Op struct {
	Name        string
	Class       Class
	Source      Source     // of a leaf
	Doc         string     // the definition, on one line
	Args        []string   // names of the operands
	Attrs       []AttrSpec // in print order
	Constraints []string   // what Infer demands, numbered from 1; a diagnostic names the number

	// Infer checks the constraints and returns the result's type: of a leaf, the one that its node declares.
	Infer func(c *Check) Type

	// Eval is the reference: float64 arithmetic on whole arrays.
	Eval func(e *Eval) (*Array, error)

	// What the op lowers to; the class says which is set.
	Point  func(p Point) kernel.Expr // Elementwise, IndexMap: one element as an expression of the operands' elements
	Reduce *Reduction                // RowReduce

	// What fusion may know of an IndexMap, each nil when it does not hold of any node.
	View   func(n *Node) bool   // the result's elements are operand 0's in the same row-major order
	Within func(n *Node) Within // an element depends on operand 0's elements of its own coordinates but along an axis

	// What attention may know, to leave out keys that weigh nothing.
	Causal  bool                  // an element is -inf where operand 1, a position, is after operand 0, which is one too
	Window  func(n *Node) dim.Dim // of a causal one: also where operand 1 is so much before operand 0, or more; nil for never
	Absorbs bool                  // -inf in an operand makes the result -inf, whatever finite number the other is

	Cases []Case // small programs that every target is tested on
}

// Within says how far from its own place an element looks along an axis: no further than the aligned run of Unit elements that it
// lies in, or, for 0, than the axis.
type Within struct {
	Axis string
	Unit int64
}

// Table maps names to ops.
type Table map[string]*Op

// Case is a test of an op: a graph in text form whose last value is what is compared.
type Case struct {
	Name string
	Text string
	Env  map[string]int64 // values of the graph's symbols
}

// Point is what an op's Point sees: the coordinates of one element of the result, and its operands.
type Point interface {
	Node() *Node
	// Coord is the element's coordinate along an axis of the result.
	Coord(axis string) kernel.Expr
	// In is the element of operand i at the result's own coordinates, but for those given.
	In(i int, at ...At) kernel.Expr
	// IntIn is In for an operand of integers or positions.
	IntIn(i int, at ...At) kernel.Expr
	// Dim is an extent, and Const a constant, as a parameter of the kernel.
	Dim(name string, d dim.Dim) kernel.Expr
	Const(name string, v float64) kernel.Expr
}

// At gives the coordinate along one axis of an operand.
type At struct {
	Axis string
	I    kernel.Expr
}

// Reduction is how a RowReduce op computes a row: stages of reductions along Axis, each of which sees the results of those
// before it, then an element.
type Reduction struct {
	Axis   func(n *Node) string
	Stages []Stage
	// Elem is an element of the result from those of the operands and the results of the stages.
	Elem func(p Point, stage []kernel.Expr) kernel.Expr
	// Online, when set, says that the row can be read in blocks, in the manner of FlashAttention.
	Online *Online
}

// Stage is one reduction.
type Stage struct {
	Op   kernel.ReduceOp
	Elem func(p Point, stage []kernel.Expr) kernel.Expr
}

// Online describes a softmax-like normalisation: weights w(x, m) relative to a running maximum m, rescaled by c(old, new)
// when the maximum grows, and divided by their sum at the end.
type Online struct {
	Weight  func(x, m kernel.Expr) kernel.Expr
	Rescale func(old, new kernel.Expr) kernel.Expr
}

// AttrKind is the type of an attribute.
type AttrKind uint8

const (
	AttrAxis   AttrKind = iota // an axis name: over=dim
	AttrAxes                   // axes: into=[head=8, dim=8]
	AttrNames                  // axis names: axes=[head, dim]
	AttrDim                    // a dim: from=P
	AttrFloat                  // a float64: eps=1e-05
	AttrFloats                 // floats: values=[1, 0.5]
	AttrDType                  // a dtype: to=f16
	AttrWord                   // one of Words: style=half
)

// AttrSpec declares an attribute. All are required.
type AttrSpec struct {
	Name  string
	Kind  AttrKind
	Words []string
}

// Attrs are the attributes of a node: string, []Axis, []string, dim.Dim, float64, []float64, DType or string by kind.
type Attrs map[string]any

// The methods below return an attribute of a node that has been checked: it is there, and of that kind.

// Word is an attribute that is a word: the name of an axis, or one of the words that the op allows.
func (n *Node) Word(attr string) string { return n.Attrs[attr].(string) }

// AxesAttr is an attribute that is a list of axes.
func (n *Node) AxesAttr(attr string) []Axis { return n.Attrs[attr].([]Axis) }

// Names is an attribute that is a list of names of axes.
func (n *Node) Names(attr string) []string { return n.Attrs[attr].([]string) }

// DimAttr is an attribute that is a dimension.
func (n *Node) DimAttr(attr string) dim.Dim { return n.Attrs[attr].(dim.Dim) }

// Float is an attribute that is a number.
func (n *Node) Float(attr string) float64 { return n.Attrs[attr].(float64) }

// Floats is an attribute that is a list of numbers.
func (n *Node) Floats(attr string) []float64 { return n.Attrs[attr].([]float64) }

// DTypeAttr is an attribute that is a dtype.
func (n *Node) DTypeAttr(attr string) DType { return n.Attrs[attr].(DType) }

// checkAttrs reports attributes that are missing, unknown or of the wrong kind.
func (o *Op) checkAttrs(a Attrs) error {
	known := map[string]bool{}
	for _, s := range o.Attrs {
		known[s.Name] = true
		v, ok := a[s.Name]
		if !ok {
			return fmt.Errorf("attribute %s is missing", s.Name)
		}
		if err := s.check(v); err != nil {
			return err
		}
	}
	for name := range a {
		if !known[name] {
			return fmt.Errorf("unknown attribute %s", name)
		}
	}
	return nil
}

func (s AttrSpec) check(v any) error {
	ok := false
	switch s.Kind {
	case AttrAxis:
		_, ok = v.(string)
	case AttrAxes:
		_, ok = v.([]Axis)
	case AttrNames:
		_, ok = v.([]string)
	case AttrDim:
		_, ok = v.(dim.Dim)
	case AttrFloat:
		_, ok = v.(float64)
	case AttrFloats:
		_, ok = v.([]float64)
	case AttrDType:
		_, ok = v.(DType)
	case AttrWord:
		w, isWord := v.(string)
		for _, allowed := range s.Words {
			ok = ok || isWord && w == allowed
		}
		if !ok {
			return fmt.Errorf("attribute %s is %v, want one of %v", s.Name, v, s.Words)
		}
	}
	if !ok {
		return fmt.Errorf("attribute %s has the wrong kind of value (%T)", s.Name, v)
	}
	return nil
}
