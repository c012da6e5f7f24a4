package gguf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// one makes a file of one key "k": its name at byte 24, type at 33, value at 37; for an array the element type at 37,
// the length at 41 and the elements at 49.
func one(typ uint32, value ...[]byte) []byte { return join(header(3, 0, 1), key("k", typ, value...)) }

// oneTensor makes a file of one tensor "w" and n bytes of data at byte 64. The name is at byte 24, ndims at 33, dims at
// 37 and, behind one dim, the type at 45 and the offset at 49.
func oneTensor(n int, typ uint32, offset uint64, dims ...uint64) []byte {
	return join(pad(64, header(3, 1, 0), tensor("w", typ, offset, dims...)), counting(n))
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty file", nil, `magic at byte 0: takes 4 bytes, 0 remain`},
		{"magic", []byte("GGML\x03\x00\x00\x00"), `magic at byte 0: found "GGML", want "GGUF": not a GGUF file`},
		{"version cut", []byte("GGUF\x03"), `version at byte 4: takes 4 bytes, 1 remain`},
		{"version 1", header(1, 0, 0), `version at byte 4: GGUF version 1 (32-bit counts) is not supported, want 2 or 3: convert the model again`},
		{"version 0", header(0, 0, 0), `version at byte 4: found 0, want 2 or 3`},
		{"version 4", header(4, 0, 0), `version at byte 4: found 4, want 2 or 3`},
		{"big-endian", header(3<<24, 0, 0), `version at byte 4: bytes 00 00 00 03 are version 3 of a big-endian file, want a little-endian one of version 2 or 3`},
		{"tensor count", join(header(3, 3, 0), make([]byte, 72)), `tensor count at byte 8: 3 tensors, a file of 96 bytes holds at most 2`},
		{"tensor count huge", header(3, 1<<63, 0), `tensor count at byte 8: 9223372036854775808 tensors, a file of 24 bytes holds at most 0`},
		{"key count", join(header(3, 0, 3), make([]byte, 28)), `key count at byte 16: 3 keys, a file of 52 bytes holds at most 2`},

		{"key length", join(header(3, 0, 1), u64(99), make([]byte, 8)), `key 0 of 1: name at byte 24: a string of 99 bytes, 8 remain`},
		{"key empty", join(header(3, 0, 1), key("", 4, u32(1), u32(1))), `key 0 of 1: name at byte 24: found 0 bytes, want 1 or more`},
		{"key duplicate", join(header(3, 0, 2), key("k", 4, u32(1)), key("k", 0, u8(1))), `key "k" at byte 41: duplicate of the one at byte 24`},
		{"value type", one(13, u32(0)), `key "k": value type at byte 33: type 13, the last one is 12 (f64)`},
		{"value cut", one(10, u32(0)), `key "k": value at byte 37: takes 8 bytes, 4 remain`},
		{"bool", one(7, u8(2)), `key "k": bool at byte 37: found 2, want 0 or 1`},
		{"string length", one(8, u64(5), []byte("four")), `key "k": string at byte 37: a string of 5 bytes, 4 remain`},
		{"string length huge", one(8, u64(1<<63)), `key "k": string at byte 37: a string of 9223372036854775808 bytes, 0 remain`},
		{"element type", one(9, array(77, 0)), `key "k": element type at byte 37: type 77, the last one is 12 (f64)`},
		{"array length", one(9, array(4, 3, u32(1), u32(2), u8(0))), `key "k": array length at byte 41: 3 elements of u32, the 9 bytes that remain hold at most 2`},
		{"array length huge", one(9, array(10, 1<<61, u64(1))), `key "k": array length at byte 41: 2305843009213693952 elements of u64, the 8 bytes that remain hold at most 1`},
		{"array of strings length", one(9, array(8, 2, str("seven"))), `key "k": array length at byte 41: 2 elements of str, the 13 bytes that remain hold at most 1`},
		{"array of strings cut", one(9, array(8, 2, str("0123456789"))), `key "k": string at byte 67: takes 8 bytes, 0 remain`},
		{"array of bools", one(9, array(7, 3, []byte{0, 1, 7})), `key "k": bool at byte 51: found 7, want 0 or 1`},
		{"array nested", one(9, array(9, 1, array(9, 1, array(0, 1, u8(1))))), `key "k": array at byte 61: nested 3 deep, want at most 2`},
		{"array nested length", one(9, array(9, 1, array(0, 2, u8(1)))), `key "k": array length at byte 53: 2 elements of u8, the 1 bytes that remain hold at most 1`},

		{"alignment zero", join(header(3, 0, 1), key("general.alignment", 4, u32(0))), `key "general.alignment" at byte 24: found 0, want a power of two of at most 2147483648`},
		{"alignment 48", join(header(3, 0, 1), key("general.alignment", 4, u32(48))), `key "general.alignment" at byte 24: found 48, want a power of two of at most 2147483648`},
		{"alignment huge", join(header(3, 0, 1), key("general.alignment", 10, u64(1<<32))), `key "general.alignment" at byte 24: found 4294967296, want a power of two of at most 2147483648`},
		{"alignment type", join(header(3, 0, 1), key("general.alignment", 8, str("32"))), `key "general.alignment" at byte 24: found str, want an integer`},
		{"alignment negative", join(header(3, 0, 1), key("general.alignment", 5, u32(1<<31))), `key "general.alignment" at byte 24: found -2147483648 of type i32, want 0 to 18446744073709551615`},

		{"tensor name length", join(header(3, 1, 0), u64(40), make([]byte, 39)), `tensor 0 of 1: name at byte 24: a string of 40 bytes, 39 remain`},
		{"tensor duplicate", join(header(3, 2, 0), tensor("w", 24, 0, 1), tensor("w", 24, 32, 1)), `tensor "w" at byte 57: duplicate name: tensors 0 and 1 both have it`},
		{"ndims 0", oneTensor(1, 24, 0), `tensor "w": ndims at byte 33: found 0, want 1 to 4`},
		{"ndims 5", oneTensor(1, 24, 0, 1, 1, 1, 1, 1), `tensor "w": ndims at byte 33: found 5, want 1 to 4`},
		{"dim 0", oneTensor(1, 24, 0, 4, 0), `tensor "w": dim 1 at byte 45: found 0, want 1 to 9223372036854775807`},
		{"dim negative", oneTensor(1, 24, 0, 1<<63), `tensor "w": dim 0 at byte 37: found 9223372036854775808, want 1 to 9223372036854775807`},
		{"dims overflow", oneTensor(1, 24, 0, 1<<32, 1<<32), `tensor "w": type at byte 53: dims [4294967296 4294967296] of i8 take more than 9223372036854775807 bytes`},
		{"size overflow", oneTensor(1, 27, 0, 1<<61), `tensor "w": type at byte 45: dims [2305843009213693952] of i64 take more than 9223372036854775807 bytes`},
		{"size of 2^63", oneTensor(1, 27, 0, 1<<60), `tensor "w": type at byte 45: dims [1152921504606846976] of i64 take more than 9223372036854775807 bytes`},
		{"type unknown", oneTensor(1, 43, 0, 1), `tensor "w": type at byte 45: unknown ggml type 43, the last known one is 42 (q2_0)`},
		{"type removed", oneTensor(1, 31, 0, 32), `tensor "w": type at byte 45: ggml has removed type 31 (q4_0_4_4): convert the model again`},
		{"partial block", oneTensor(100, 8, 0, 48), `tensor "w": type at byte 45: rows of 48 elements are no whole blocks of q8_0, which have 32`},
		{"offset misaligned", oneTensor(100, 24, 40, 1), `tensor "w": offset at byte 49: 40 is 8 past a multiple of the alignment, 32`},
		{"offset misaligned for the file", join(header(3, 1, 1), key("general.alignment", 4, u32(64)), tensor("w", 24, 32, 1)), `tensor "w": offset at byte 82: 32 is 32 past a multiple of the alignment, 64`},
		{"offset huge", oneTensor(1, 24, 1<<63, 1), `tensor "w": offset at byte 49: 9223372036854775808, the file has 65 bytes`},
		{"offset outside", oneTensor(1, 24, 32, 1), `tensor "w": 1 bytes at offset 32 of the data at byte 64, the file ends at byte 65`},
		{"offset far outside", oneTensor(1, 24, 1<<62, 1<<62), `tensor "w": 4611686018427387904 bytes at offset 4611686018427387904 of the data at byte 64, the file ends at byte 65`},
		{"size outside", oneTensor(7, 0, 0, 2), `tensor "w": 8 bytes at offset 0 of the data at byte 64, the file ends at byte 71`},
		{"no data", join(header(3, 1, 0), tensor("w", 24, 0, 1)), `tensor "w": 1 bytes at offset 0 of the data at byte 64, the file ends at byte 57`},
		{"overlap", join(pad(32, header(3, 2, 0), tensor("w", 24, 32, 1), tensor("v", 24, 0, 33)), counting(33)), `tensor "w" at byte 128: overlaps tensor "v", bytes 96 to 129`},
		{"same place", join(pad(32, header(3, 2, 0), tensor("w", 24, 0, 1), tensor("v", 24, 0, 1)), counting(33)), `tensor "v" at byte 96: overlaps tensor "w", bytes 96 to 97`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("t.gguf", c.data)
			require.EqualError(t, err, "t.gguf: "+c.want)
		})
	}
}
