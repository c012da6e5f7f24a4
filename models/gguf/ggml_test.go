package gguf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The bytes per block that gguf-py (GGML_QUANT_SIZES) states, except q8_1, whose size is that of block_q8_1.
func TestTensorTypes(t *testing.T) {
	sizes := map[string][2]int64{
		"f32": {1, 4}, "f16": {1, 2}, "bf16": {1, 2}, "f64": {1, 8},
		"i8": {1, 1}, "i16": {1, 2}, "i32": {1, 4}, "i64": {1, 8},
		"q4_0": {32, 18}, "q4_1": {32, 20}, "q5_0": {32, 22}, "q5_1": {32, 24}, "q8_0": {32, 34}, "q8_1": {32, 36},
		"q2_k": {256, 84}, "q3_k": {256, 110}, "q4_k": {256, 144}, "q5_k": {256, 176}, "q6_k": {256, 210}, "q8_k": {256, 292},
		"iq1_s": {256, 50}, "iq1_m": {256, 56}, "iq2_xxs": {256, 66}, "iq2_xs": {256, 74}, "iq2_s": {256, 82},
		"iq3_xxs": {256, 98}, "iq3_s": {256, 110}, "iq4_nl": {32, 18}, "iq4_xs": {256, 136},
		"tq1_0": {256, 54}, "tq2_0": {256, 66}, "mxfp4": {32, 17}, "nvfp4": {64, 36}, "q1_0": {128, 18}, "q2_0": {64, 18},
	}
	for id, row := range tensorTypes {
		require.NotEmpty(t, row.name, "id %d", id)
		want, ok := sizes[row.name]
		require.Equal(t, row.elems != 0, ok, row.name)
		if !ok {
			continue
		}
		require.Equal(t, want, [2]int64{row.elems, row.bytes}, row.name)
		delete(sizes, row.name)

		size := int(3 * 2 * row.bytes)
		data := oneTensor(size, uint32(id), 0, uint64(2*row.elems), 3)
		f, err := Parse("t.gguf", join(data[:64:64], make([]byte, len(data))))
		require.NoError(t, err, row.name)
		require.Equal(t, int64(size), f.Tensors[0].Size, row.name)
		require.Equal(t, row.name, f.Tensors[0].TypeName)
	}
	require.Empty(t, sizes, "not in the table")
}
