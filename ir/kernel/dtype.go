package kernel

import (
	"fmt"
	"math"
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
)

// DTypeRow describes a dtype: the one table of element and weight types. A weight type's rows are whole blocks of Elems
// elements in Bytes bytes.
type DTypeRow struct {
	DType  DType
	Name   string
	Elems  int // elements a block
	Bytes  int // bytes a block
	Weight bool

	// Decode expands whole blocks to float32; exact. Encode rounds to nearest even. Both are nil for integers, which are
	// little-endian two's complement.
	Decode func(dst []float32, src []byte)
	Encode func(dst []byte, src []float32)

	// Unpack is Decode as an expression, for targets that dequantise in registers: element i of a block, where word(at, n) is
	// the little-endian unsigned integer of n <= 4 bytes at byte offset at of the block. Nil unless Weight.
	Unpack func(word Word, i Expr) Expr
}

// Word reads an unsigned integer of a block's bytes.
type Word = func(at Expr, bytes int) Expr

// DTypes is the table; row d-1 describes DType d.
var DTypes = []DTypeRow{
	{DType: F32, Name: "f32", Elems: 1, Bytes: 4, Weight: true, Decode: decodeF32, Encode: encodeF32, Unpack: unpackF32},
	{DType: F16, Name: "f16", Elems: 1, Bytes: 2, Weight: true, Decode: decodeF16, Encode: encodeF16, Unpack: unpackF16},
	{DType: BF16, Name: "bf16", Elems: 1, Bytes: 2, Weight: true, Decode: decodeBF16, Encode: encodeBF16, Unpack: unpackBF16},
	{DType: I32, Name: "i32", Elems: 1, Bytes: 4},
	{DType: BoolT, Name: "bool", Elems: 1, Bytes: 1},
	{DType: Pos, Name: "pos", Elems: 1, Bytes: 4},
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

// Scalar is the type of a loaded element: Int for the integer dtypes, otherwise Float.
func (d DType) Scalar() Type {
	if row := d.Row(); row != nil && row.Decode == nil {
		return Int
	}
	return Float
}

// RowBytes is the size of elems elements, which must be whole blocks.
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
