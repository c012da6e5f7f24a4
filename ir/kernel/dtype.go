package kernel

import (
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/ir/quant"
)

// DType is the type of an array's elements. Invalid is none.
type DType uint8

const (
	Invalid DType = iota
	F32
	F16
	BF16
	I32
	BoolT // 0 or 1 in a byte
	Pos   // positions in a sequence, stored as i32; no plain integer has this type

	// The block formats of package quant, which has what a block looks like.
	Q40
	Q41
	Q50
	Q51
	Q80
	Q4K
	Q5K
	Q6K

	// Their panels: matrices repacked for kernels.
	Q40x16
	Q41x16
	Q50x16
	Q51x16
	Q80x16
	Q4Kx16
	Q5Kx16
	Q6Kx16

	A8  // activations of 8 bits
	A16 // activations of 16 bits

	// Fragments: matrices repacked for mma instructions, of single elements and of the block formats.
	F16Frag
	BF16Frag
	Q40Frag
	Q41Frag
	Q50Frag
	Q51Frag
	Q80Frag
	Q4KFrag
	Q5KFrag
	Q6KFrag

	// Acts is the dtype of a kernel's parameter that is of any type of activations.
	Acts DType = 255
)

// DTypeRow describes a dtype: the one table of element and weight types. The rows of a matrix are whole blocks of Elems
// elements in Bytes bytes. A block of a panel type holds that many elements of each of Rows rows of the matrix.
type DTypeRow struct {
	DType  DType
	Name   string
	Elems  int // elements a block, or of each row in it
	Rows   int // rows a block; 1 but for panels and fragments
	Bytes  int // bytes a block
	Weight bool
	Acts   bool          // blocks of activations
	Panel  *quant.Panel  // of a panel or fragment type
	Format *quant.Format // of a block type of files

	// Decode expands whole blocks to float32; exact. Encode rounds to nearest even. Both are nil for integers, which are
	// little-endian two's complement. Block types of weights have no Encode: they are made elsewhere. A panel's
	// blocks are expanded row by row.
	Decode func(dst []float32, src []byte)
	Encode func(dst []byte, src []float32)

	// Unpack is Decode of a single element as an expression, where word(at, n) is the little-endian unsigned integer of n <= 4
	// bytes at byte offset at of the element. Nil for blocks, and where Decode is. The method Element reads any weight type.
	Unpack func(word Word) Expr
}

// Word reads an unsigned integer of an element's bytes.
type Word = func(at Expr, bytes int) Expr

// DTypes is the table; row d-1 describes DType d.
var DTypes = slices.Concat([]DTypeRow{
	{DType: F32, Name: "f32", Elems: 1, Rows: 1, Bytes: 4, Weight: true, Decode: decodeF32, Encode: encodeF32, Unpack: unpackF32},
	{DType: F16, Name: "f16", Elems: 1, Rows: 1, Bytes: 2, Weight: true, Decode: decodeF16, Encode: encodeF16, Unpack: unpackF16},
	{DType: BF16, Name: "bf16", Elems: 1, Rows: 1, Bytes: 2, Weight: true, Decode: decodeBF16, Encode: encodeBF16, Unpack: unpackBF16},
	{DType: I32, Name: "i32", Elems: 1, Rows: 1, Bytes: 4},
	{DType: BoolT, Name: "bool", Elems: 1, Rows: 1, Bytes: 1},
	{DType: Pos, Name: "pos", Elems: 1, Rows: 1, Bytes: 4},
}, blockTypes(), panelTypes(Q40x16, quant.Panels), []DTypeRow{
	{DType: A8, Name: "a8", Elems: quant.Unit, Rows: 1, Bytes: quant.A8Bytes, Acts: true, Decode: quant.DecodeA8, Encode: quant.EncodeA8},
	{DType: A16, Name: "a16", Elems: quant.Unit, Rows: 1, Bytes: quant.A16Bytes, Acts: true, Decode: quant.DecodeA16, Encode: quant.EncodeA16},
}, panelTypes(F16Frag, quant.Fragments))

func blockTypes() []DTypeRow {
	var rows []DTypeRow
	for i, f := range quant.Formats {
		rows = append(rows, DTypeRow{DType: Q40 + DType(i), Name: f.Name, Elems: f.Elems, Rows: 1, Bytes: f.Bytes, Weight: true,
			Format: f, Decode: f.Decode})
	}
	return rows
}

func panelTypes(first DType, panels []*quant.Panel) []DTypeRow {
	var rows []DTypeRow
	for i, p := range panels {
		rows = append(rows, DTypeRow{DType: first + DType(i), Name: p.Name, Elems: p.Format.Elems, Rows: quant.PanelRows, Bytes: p.Bytes,
			Weight: true, Panel: p, Decode: p.Decode})
	}
	return rows
}

// Row returns d's row of the table, or nil.
func (d DType) Row() *DTypeRow {
	if d == Invalid || int(d) > len(DTypes) {
		return nil
	}
	return &DTypes[d-1]
}

func (d DType) String() string {
	if row := d.Row(); row != nil {
		return row.Name
	}
	if d == Acts {
		return "acts"
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// ParseDType is the inverse of String.
func ParseDType(name string) (DType, bool) {
	for i := range DTypes {
		if DTypes[i].Name == name {
			return DTypes[i].DType, true
		}
	}
	return Invalid, false
}

// Panels is the panel type of a block type of files, or Invalid.
func (d DType) Panels() DType {
	if d < Q40 || d > Q6K {
		return Invalid
	}
	return d - Q40 + Q40x16
}

// Fragments is the fragment type of f16, bf16 or a block type of files, or Invalid.
func (d DType) Fragments() DType {
	switch {
	case d == F16:
		return F16Frag
	case d == BF16:
		return BF16Frag
	case d >= Q40 && d <= Q6K:
		return d - Q40 + Q40Frag
	}
	return Invalid
}

// Fragment reports a type of fragments.
func (row *DTypeRow) Fragment() bool { return row.Panel != nil && row.Panel.Fragment }

// IsActs reports a type of activations.
func (d DType) IsActs() bool {
	row := d.Row()
	return d == Acts || row != nil && row.Acts
}

// Scalar is the type of a loaded element: Int for the integer dtypes, otherwise Float.
func (d DType) Scalar() Type {
	if row := d.Row(); row != nil && row.Decode == nil {
		return Int
	}
	return Float
}

// MatrixBytes is the size of an array of the shape, whose last axis must be whole blocks. Panels pad the rows to whole blocks.
func (d DType) MatrixBytes(shape ...int64) (int64, error) {
	row := d.Row()
	if row == nil {
		return 0, fmt.Errorf("%v has no size", d)
	}
	elems, rows := int64(1), int64(1)
	for i, n := range shape {
		if n < 0 || n > 0 && rows > math.MaxInt64/2/n {
			return 0, fmt.Errorf("%s%d: out of range", row.Name, shape)
		}
		if i == len(shape)-1 {
			elems = n
		} else {
			rows *= n
		}
	}
	groups := (rows + int64(row.Rows) - 1) / int64(row.Rows)
	size, err := d.RowBytes(elems)
	if err == nil && size > 0 && groups > math.MaxInt64/size {
		err = fmt.Errorf("%s%d: more than 64 bits of bytes", row.Name, shape)
	}
	return groups * size, err
}

// RowBytes is the size of elems elements, which must be whole blocks; of a panel type, the size of so many elements of each of
// a panel's rows.
func (d DType) RowBytes(elems int64) (int64, error) {
	row := d.Row()
	switch {
	case row == nil:
		return 0, fmt.Errorf("%v has no size", d)
	case elems < 0:
		return 0, fmt.Errorf("%s: %d elements", row.Name, elems)
	case elems%int64(row.Elems) != 0:
		return 0, fmt.Errorf("%s: %d elements are not whole blocks of %d", row.Name, elems, row.Elems)
	}
	blocks := elems / int64(row.Elems)
	if blocks > math.MaxInt64/int64(row.Bytes) {
		return 0, fmt.Errorf("%s: %d blocks of %d bytes exceed 64 bits", row.Name, blocks, row.Bytes)
	}
	return blocks * int64(row.Bytes), nil
}
