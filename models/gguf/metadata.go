package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The accessors return ok=false for a key that the file lacks, and an error for a value of a type that they do not
// accept or that does not fit what they return.

// String returns a str.
func (f *File) String(key string) (value string, ok bool, err error) {
	e, ok := f.entry(key)
	if !ok {
		return "", false, nil
	}
	if e.typ != typeStr {
		return "", false, f.mismatch(e, "str")
	}
	return string(f.data[e.off+8 : e.end]), true, nil
}

// Uint returns an integer of any type that is not negative.
func (f *File) Uint(key string) (value uint64, ok bool, err error) {
	if value, ok, err = f.uint(key); err != nil {
		return 0, false, fmt.Errorf("%s: %w", f.Name, err)
	}
	return value, ok, nil
}

// uint is Uint with errors that lack the file's name, which Parse adds.
func (f *File) uint(key string) (uint64, bool, error) {
	e, ok := f.entry(key)
	if !ok {
		return 0, false, nil
	}
	bits, negative, isInt := f.int(e)
	if !isInt {
		return 0, false, fmt.Errorf("%s: found %s, want an integer", e.place(), e.typeName())
	}
	if negative {
		return 0, false, fmt.Errorf("%s: found %d of type %s, want 0 to %d", e.place(), int64(bits), e.typ, uint64(math.MaxUint64))
	}
	return bits, true, nil
}

// Int returns an integer of any type that an int64 holds.
func (f *File) Int(key string) (value int64, ok bool, err error) {
	e, ok := f.entry(key)
	if !ok {
		return 0, false, nil
	}
	bits, negative, isInt := f.int(e)
	if !isInt {
		return 0, false, f.mismatch(e, "an integer")
	}
	if !negative && bits > math.MaxInt64 {
		return 0, false, fmt.Errorf("%s: %s: found %d of type %s, want at most %d", f.Name, e.place(), bits, e.typ, int64(math.MaxInt64))
	}
	return int64(bits), true, nil
}

// Float returns an f32, an f64, or an integer that a float64 holds exactly.
func (f *File) Float(key string) (value float64, ok bool, err error) {
	e, ok := f.entry(key)
	if !ok {
		return 0, false, nil
	}
	switch e.typ {
	case typeF32:
		return float64(decodeF32(f.data[e.off:])), true, nil
	case typeF64:
		return decodeF64(f.data[e.off:]), true, nil
	}
	bits, negative, isInt := f.int(e)
	if !isInt {
		return 0, false, f.mismatch(e, "f32, f64 or an integer")
	}
	const exact = 1 << 53 // up to here float64 holds every integer
	if negative && int64(bits) >= -exact {
		return float64(int64(bits)), true, nil
	}
	if !negative && bits <= exact {
		return float64(bits), true, nil
	}
	return 0, false, fmt.Errorf("%s: %s: found %s of type %s, want %d to %d to hold it exactly as a float",
		f.Name, e.place(), f.render(e), e.typ, int64(-exact), int64(exact))
}

// Bool returns a bool.
func (f *File) Bool(key string) (value, ok bool, err error) {
	e, ok := f.entry(key)
	if !ok {
		return false, false, nil
	}
	if e.typ != typeBool {
		return false, false, f.mismatch(e, "bool")
	}
	return f.data[e.off] != 0, true, nil
}

// Strings returns an arr[str].
func (f *File) Strings(key string) (values []string, ok bool, err error) {
	e, ok, err := f.array(key, "arr[str]", typeStr)
	if e == nil {
		return nil, ok, err
	}
	// One copy of the whole value that the strings share, in place of one each.
	all := string(f.data[e.off:e.end])
	values = make([]string, e.count)
	pos := uint64(0)
	for i := range values {
		begin := pos + 8
		pos = begin + binary.LittleEndian.Uint64(f.data[uint64(e.off)+pos:])
		values[i] = all[begin:pos]
	}
	return values, true, nil
}

// Floats returns an arr[f32].
func (f *File) Floats(key string) (values []float32, ok bool, err error) {
	e, ok, err := f.array(key, "arr[f32]", typeF32)
	if e == nil {
		return nil, ok, err
	}
	values = make([]float32, e.count)
	for i := range values {
		values[i] = decodeF32(f.data[e.off+4*int64(i):])
	}
	return values, true, nil
}

// Ints returns an array of integers of any type, each of which an int32 holds.
func (f *File) Ints(key string) (values []int32, ok bool, err error) {
	e, ok, err := f.array(key, "an array of integers", typeU8, typeI8, typeU16, typeI16, typeU32, typeI32, typeU64, typeI64)
	if e == nil {
		return nil, ok, err
	}
	size := int64(e.elem.size())
	values = make([]int32, e.count)
	for i := range values {
		at := e.off + size*int64(i)
		bits, negative, _ := decodeInt(e.elem, f.data[at:])
		v := int64(bits)
		if v != int64(int32(v)) || !negative && v < 0 {
			return nil, false, fmt.Errorf("%s: %s: element %d at byte %d: found %s of type %s, want %d to %d",
				f.Name, e.place(), i, at, renderNext(&reader{f.data, at}, e.elem), e.elem, math.MinInt32, math.MaxInt32)
		}
		values[i] = int32(v)
	}
	return values, true, nil
}

func (f *File) entry(key string) (*entry, bool) {
	i, ok := f.byKey[key]
	if !ok {
		return nil, false
	}
	return &f.entries[i], true
}

// array returns the entry of an array whose elements have one of the types, or nil.
func (f *File) array(key, want string, types ...valueType) (*entry, bool, error) {
	e, ok := f.entry(key)
	if !ok {
		return nil, false, nil
	}
	if e.typ == typeArr {
		for _, t := range types {
			if e.elem == t {
				return e, true, nil
			}
		}
	}
	return nil, false, f.mismatch(e, want)
}

func (f *File) int(e *entry) (bits uint64, negative, ok bool) {
	return decodeInt(e.typ, f.data[e.off:e.end])
}

func (f *File) mismatch(e *entry, want string) error {
	return fmt.Errorf("%s: %s: found %s, want %s", f.Name, e.place(), e.typeName(), want)
}
