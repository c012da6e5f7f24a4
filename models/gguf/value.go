package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// valueType is the type of a metadata value, as numbered by the format.
type valueType uint32

const (
	typeU8 valueType = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeStr
	typeArr
	typeU64
	typeI64
	typeF64
)

// valueTypes has a row for every type. A type's size is that of its values, or of the smallest one where they vary.
var valueTypes = [...]struct {
	name string
	size uint64
}{
	typeU8:   {"u8", 1},
	typeI8:   {"i8", 1},
	typeU16:  {"u16", 2},
	typeI16:  {"i16", 2},
	typeU32:  {"u32", 4},
	typeI32:  {"i32", 4},
	typeF32:  {"f32", 4},
	typeBool: {"bool", 1},
	typeStr:  {"str", 8},  // length
	typeArr:  {"arr", 12}, // element type, count
	typeU64:  {"u64", 8},
	typeI64:  {"i64", 8},
	typeF64:  {"f64", 8},
}

func (t valueType) String() string { return valueTypes[t].name }

func (t valueType) size() uint64 { return valueTypes[t].size }

// maxNesting is how deep arrays may nest: an array may hold arrays, which may not.
const maxNesting = 2

// readType reads a value type and refuses an unknown one.
func (r *reader) readType(what string) (valueType, error) {
	at := r.pos
	t, err := r.u32(what)
	if err != nil {
		return 0, err
	}
	if int64(t) >= int64(len(valueTypes)) {
		return 0, fmt.Errorf("%s at byte %d: type %d, the last one is %d (%s)", what, at, t, len(valueTypes)-1, valueType(len(valueTypes)-1))
	}
	return valueType(t), nil
}

// readArray reads the type and count of an array's elements. The count is one that the remaining bytes can hold.
func (r *reader) readArray() (valueType, uint64, error) {
	t, err := r.readType("element type")
	if err != nil {
		return 0, 0, err
	}
	at := r.pos
	n, err := r.u64("array length")
	if err != nil {
		return 0, 0, err
	}
	if most := r.remain() / t.size(); n > most {
		return 0, 0, fmt.Errorf("array length at byte %d: %d elements of %s, the %d bytes that remain hold at most %d", at, n, t, r.remain(), most)
	}
	return t, n, nil
}

// skip walks over n values of a type and checks them; depth is the number of arrays around them.
func (r *reader) skip(t valueType, n uint64, depth int) error {
	switch t {
	case typeStr:
		for range n {
			if _, err := r.str("string"); err != nil {
				return err
			}
		}
		return nil
	case typeArr:
		if depth >= maxNesting {
			return fmt.Errorf("array at byte %d: nested %d deep, want at most %d", r.pos, depth+1, maxNesting)
		}
		for range n {
			elem, count, err := r.readArray()
			if err != nil {
				return err
			}
			if err := r.skip(elem, count, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	at := r.pos
	if n > r.remain()/t.size() { // before the product, which could overflow
		return fmt.Errorf("value at byte %d: takes %d bytes, %d remain", at, t.size(), r.remain())
	}
	b, err := r.take(n*t.size(), "value")
	if err != nil {
		return err
	}
	if t == typeBool {
		for i, v := range b {
			if v > 1 {
				return fmt.Errorf("bool at byte %d: found %d, want 0 or 1", at+int64(i), v)
			}
		}
	}
	return nil
}

// decodeInt returns the integer of type t at b, sign-extended; it is int64(bits) when negative, else bits.
func decodeInt(t valueType, b []byte) (bits uint64, negative, ok bool) {
	switch t {
	case typeU8:
		return uint64(b[0]), false, true
	case typeU16:
		return uint64(binary.LittleEndian.Uint16(b)), false, true
	case typeU32:
		return uint64(binary.LittleEndian.Uint32(b)), false, true
	case typeU64:
		return binary.LittleEndian.Uint64(b), false, true
	}
	var v int64
	switch t {
	case typeI8:
		v = int64(int8(b[0]))
	case typeI16:
		v = int64(int16(binary.LittleEndian.Uint16(b)))
	case typeI32:
		v = int64(int32(binary.LittleEndian.Uint32(b)))
	case typeI64:
		v = int64(binary.LittleEndian.Uint64(b))
	default:
		return 0, false, false
	}
	return uint64(v), v < 0, true
}

func decodeF32(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func decodeF64(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
