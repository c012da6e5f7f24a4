package safetensors

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// one makes a file of a tensor "x", described by fields, and n bytes of data. Its fields begin at byte 14.
func one(n int, fields string) []byte { return file(`{"x":{`+fields+`}}`, counting(n)) }

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty file", nil, `header length at byte 0: takes 8 bytes, the file has 0`},
		{"header length cut", make([]byte, 7), `header length at byte 0: takes 8 bytes, the file has 7`},
		{"header outside", append(binary.LittleEndian.AppendUint64(nil, 3), "{}"...), `header length at byte 0: 3 bytes, 2 remain`},
		{"header over the limit", binary.LittleEndian.AppendUint64(nil, 100_000_001), `header length at byte 0: 100000001 bytes, the format allows at most 100000000`},
		{"header length huge", binary.LittleEndian.AppendUint64(nil, 1<<63), `header length at byte 0: 9223372036854775808 bytes, the format allows at most 100000000`},

		{"header empty", file("", nil), `header at byte 8: begins with "", want "{"`},
		{"header begins with space", file(" {}", nil), `header at byte 8: begins with " ", want "{"`},
		{"header no object", file("[]", nil), `header at byte 8: begins with "[", want "{"`},
		{"header ends early", file(`{"x":{`, nil), `header: tensor "x": at byte 14: the JSON ends too early`},
		{"header goes on", file(`{} {}`, nil), `header: at byte 10: found { behind the JSON, want its end`},
		{"header with a bad token", file(`{"x" 1}`, nil), `header: tensor "x": at byte 13: invalid character '1' after object key`},
		{"header no UTF-8", file("{\"\xff\":1}", nil), `header: at byte 10: found byte 0xff, want UTF-8`},
		{"tensor duplicate", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{}}`, counting(1)), `header: at byte 64: duplicate key "x"`},
		{"tensor duplicate, escaped", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0078":{}}`, counting(1)), `header: at byte 69: duplicate key "x"`},
		{"field duplicate", one(1, `"dtype":"U8","dtype":"I8"`), `header: tensor "x": at byte 34: duplicate key "dtype"`},
		{"field unknown", one(1, `"stride":[1]`), `header: tensor "x": at byte 22: unknown field "stride", want dtype, shape or data_offsets`},
		{"tensor no object", file(`{"x":7}`, nil), `header: tensor "x": at byte 14: found number 7, want an object`},
		{"tensor null", file(`{"x":null}`, nil), `header: tensor "x": at byte 17: found null, want an object`},
		{"metadata no object", file(`{"__metadata__":"pt"}`, nil), `header: __metadata__: at byte 28: found string "pt", want an object`},
		{"metadata no string", file(`{"__metadata__":{"n":true}}`, nil), `header: __metadata__: at byte 33: found true, want a string`},
		{"metadata duplicate", file(`{"__metadata__":{"n":"1","n":"2"}}`, nil), `header: __metadata__: at byte 36: duplicate key "n"`},

		{"dtype unknown", one(1, `"dtype":"F33"`), `header: tensor "x": dtype: at byte 27: unknown dtype "F33"`},
		{"dtype no string", one(1, `"dtype":1`), `header: tensor "x": dtype: at byte 23: found number 1, want a string`},
		{"dtype absent", one(1, `"shape":[1],"data_offsets":[0,1]`), `header: tensor "x": at byte 12: has no dtype`},
		{"shape absent", one(1, `"dtype":"U8","data_offsets":[0,1]`), `header: tensor "x": at byte 12: has no shape`},
		{"shape no array", one(1, `"shape":1`), `header: tensor "x": shape: at byte 23: found number 1, want an array of integers`},
		{"shape negative", one(1, `"shape":[2,-3]`), `header: tensor "x": shape: at byte 27: found number -3, want an integer of 0 to 9223372036854775807`},
		{"shape no integer", one(1, `"shape":[1.0]`), `header: tensor "x": shape: at byte 26: found number 1.0, want an integer of 0 to 9223372036854775807`},
		{"shape too large", one(1, `"shape":[9223372036854775808]`), `header: tensor "x": shape: at byte 42: found number 9223372036854775808, want an integer of 0 to 9223372036854775807`},
		{"shape of strings", one(1, `"shape":["1"]`), `header: tensor "x": shape: at byte 26: found string "1", want an integer`},
		{"offsets absent", one(1, `"dtype":"U8","shape":[1]`), `header: tensor "x": at byte 12: has 0 data_offsets, want 2`},
		{"offsets three", one(1, `"dtype":"U8","shape":[1],"data_offsets":[0,1,2]`), `header: tensor "x": at byte 12: has 3 data_offsets, want 2`},
		{"offsets reversed", one(1, `"dtype":"U8","shape":[1],"data_offsets":[1,0]`), `header: tensor "x": at byte 12: data_offsets begin at 1, behind their end 0`},
		{"offsets negative", one(1, `"dtype":"U8","shape":[1],"data_offsets":[-1,0]`), `header: tensor "x": data_offsets: at byte 57: found number -1, want an integer of 0 to 9223372036854775807`},

		{"offsets outside", one(1, `"dtype":"U8","shape":[2],"data_offsets":[0,2]`), `tensor "x": data_offsets 0 to 2, the data ends at 1 (byte 62 of the file)`},
		{"size", one(7, `"dtype":"F16","shape":[1,3],"data_offsets":[0,7]`), `tensor "x": shape [1 3] of F16 takes 6 bytes, data_offsets 0 to 7 have 7`},
		{"shape overflow", one(1, `"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]`), `tensor "x": shape [4294967296 4294967296] of U8 takes more than 9223372036854775807 bits`},
		{"shape of 2^63 bits", one(1, `"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,1]`), `tensor "x": shape [1152921504606846976] of U8 takes more than 9223372036854775807 bits`},
		{"half a byte", one(1, `"dtype":"F4","shape":[3],"data_offsets":[0,1]`), `tensor "x": shape [3] of F4 takes 12 bits, 4 more than whole bytes`},
		{"hole at the start", one(2, `"dtype":"U8","shape":[1],"data_offsets":[1,2]`), `tensor "x": data_offsets begin at 1, the data before it ends at 0: the format allows no holes`},
		{"hole", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, counting(3)), `tensor "y": data_offsets begin at 2, the data before it ends at 1: the format allows no holes`},
		{"overlap", file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"y":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, counting(3)), `tensor "x": data_offsets begin at 1, within tensor "y", which ends at 2`},
		{"same place", file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, counting(2)), `tensor "y": data_offsets begin at 0, within tensor "x", which ends at 2`},
		{"trailing bytes", one(3, `"dtype":"U8","shape":[1],"data_offsets":[0,1]`), `data at byte 61: 3 bytes, the tensors take 1: the format allows no trailing bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("t", c.data)
			require.EqualError(t, err, "t: "+c.want)
		})
	}
}
