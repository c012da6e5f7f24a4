package gguf

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The tests put files together from these parts, written from the format's description, not from the reader.

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func u8(v uint8) []byte    { return []byte{v} }
func u16(v uint16) []byte  { return binary.LittleEndian.AppendUint16(nil, v) }
func u32(v uint32) []byte  { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte  { return binary.LittleEndian.AppendUint64(nil, v) }
func f32(v float32) []byte { return u32(math.Float32bits(v)) }
func f64(v float64) []byte { return u64(math.Float64bits(v)) }
func str(s string) []byte  { return join(u64(uint64(len(s))), []byte(s)) }

// header takes 24 bytes.
func header(version uint32, tensors, keys uint64) []byte {
	return join([]byte("GGUF"), u32(version), u64(tensors), u64(keys))
}

func key(name string, typ uint32, value ...[]byte) []byte {
	return join(str(name), u32(typ), join(value...))
}

func array(elem uint32, n uint64, elems ...[]byte) []byte {
	return join(u32(elem), u64(n), join(elems...))
}

func tensor(name string, typ uint32, offset uint64, dims ...uint64) []byte {
	b := join(str(name), u32(uint32(len(dims))))
	for _, d := range dims {
		b = append(b, u64(d)...)
	}
	return join(b, u32(typ), u64(offset))
}

// pad fills b to a multiple of n.
func pad(n int, b ...[]byte) []byte {
	all := join(b...)
	return append(all, make([]byte, (n-len(all)%n)%n)...)
}

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

// small is a valid file with a value of every type and two tensors, whose last byte belongs to a tensor.
func small(version uint32) []byte {
	return join(
		pad(32,
			header(version, 2, 17),
			key("general.architecture", 8, str("llama")),
			key("u8", 0, u8(200)), key("i8", 1, u8(0x80)),
			key("u16", 2, u16(60000)), key("i16", 3, u16(0x8000)),
			key("u32", 4, u32(4e9)), key("i32", 5, u32(0x80000000)),
			key("f32", 6, f32(1e-5)), key("f64", 12, f64(0.1)),
			key("u64", 10, u64(math.MaxUint64)), key("i64", 11, u64(1<<63)),
			key("bool", 7, u8(1)),
			key("arr.str", 9, array(8, 3, str("<unk>"), str(""), str("▁a"))),
			key("arr.f32", 9, array(6, 2, f32(-1), f32(0.5))),
			key("arr.i16", 9, array(3, 2, u16(0xffff), u16(7))),
			key("arr.empty", 9, array(8, 0)),
			key("arr.arr", 9, array(9, 2, array(4, 1, u32(9)), array(8, 1, str("x")))),
			tensor("a.weight", 0, 0, 3, 2),
			tensor("b.weight", 8, 32, 32),
		),
		pad(32, counting(24)),
		counting(34),
	)
}

// sharedFile finds a file of the shared folder, which lies beside the repository.
func sharedFile(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path := filepath.Join(filepath.Dir(dir), "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent", path)
	}
	return path
}
