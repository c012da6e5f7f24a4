package tokenizer

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A message reads protobuf's wire format: fields of a number, a wire type and a
// value, without copying.
type message struct {
	data []byte
	at   int // file offset of data[0]
}

// The wire types that sentencepiece_model.proto makes use of, or an extension may.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// A field holds its value in bits or, for wireBytes, in bytes.
type field struct {
	number uint64
	wire   int
	bits   uint64
	bytes  []byte
	at     int // file offset of the field
	body   int // file offset of bytes
}

// next removes the first field; the message must not be empty.
func (m *message) next() (field, error) {
	f := field{at: m.at}
	tag, err := m.varint()
	if err != nil {
		return f, err
	}
	f.number, f.wire = tag>>3, int(tag&7)
	if f.number == 0 || f.number > 1<<29-1 {
		return f, fmt.Errorf("byte %d: field number %d, want 1 to %d", f.at, f.number, 1<<29-1)
	}
	switch f.wire {
	case wireVarint:
		f.bits, err = m.varint()
	case wireFixed64:
		var b []byte
		if b, err = m.take(8); err == nil {
			f.bits = binary.LittleEndian.Uint64(b)
		}
	case wireFixed32:
		var b []byte
		if b, err = m.take(4); err == nil {
			f.bits = uint64(binary.LittleEndian.Uint32(b))
		}
	case wireBytes:
		var n uint64
		if n, err = m.varint(); err == nil {
			f.body = m.at
			f.bytes, err = m.take(n)
		}
	default:
		err = fmt.Errorf("byte %d: field %d has wire type %d, want 0, 1, 2 or 5", f.at, f.number, f.wire)
	}
	return f, err
}

func (m *message) varint() (uint64, error) {
	v, n := binary.Uvarint(m.data)
	switch {
	case n == 0:
		return 0, fmt.Errorf("byte %d: the file ends within a number", m.at+len(m.data))
	case n < 0:
		return 0, fmt.Errorf("byte %d: a number does not fit 64 bits", m.at)
	}
	m.data, m.at = m.data[n:], m.at+n
	return v, nil
}

func (m *message) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.data)) {
		return nil, fmt.Errorf("byte %d: a value of %d bytes, %d remain", m.at, n, len(m.data))
	}
	b := m.data[:n]
	m.data, m.at = m.data[n:], m.at+int(n)
	return b, nil
}

// each calls do with every field in order, until one fails.
func (m message) each(do func(field) error) error {
	for len(m.data) > 0 {
		f, err := m.next()
		if err == nil {
			err = do(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errorf is an error at the field.
func (f field) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d: %w", f.at, fmt.Errorf(format, args...))
}

// is reports whether the field has the wire type that its name demands.
func (f field) is(wire int, name string) error {
	if f.wire != wire {
		return f.errorf("%s has wire type %d, want %d", name, f.wire, wire)
	}
	return nil
}

// int32 stores the field as a number that fits *v.
func (f field) int32(v *int32, name string) error {
	if err := f.is(wireVarint, name); err != nil {
		return err
	}
	n := int64(f.bits)
	if n < math.MinInt32 || n > math.MaxInt32 {
		return f.errorf("%s is %d, want %d to %d", name, n, math.MinInt32, math.MaxInt32)
	}
	*v = int32(n)
	return nil
}

func (f field) bool(v *bool, name string) error {
	*v = f.bits != 0
	return f.is(wireVarint, name)
}

func (f field) float(v *float32, name string) error {
	*v = math.Float32frombits(uint32(f.bits))
	return f.is(wireFixed32, name)
}

func (f field) string(v *string, name string) error {
	*v = string(f.bytes)
	return f.is(wireBytes, name)
}

// fields calls do with every field of the message that the field holds.
func (f field) fields(name string, do func(field) error) error {
	if err := f.is(wireBytes, name); err != nil {
		return err
	}
	return message{f.bytes, f.body}.each(do)
}
