package tiles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/quant"
	"github.com/llorch/llorch/runtime/cpu"
)

// encoders are the tiles that encode activations.
func encoders(tb testing.TB) []cpu.Tile {
	var tiles []cpu.Tile
	for _, level := range cpu.Levels() {
		for _, t := range All() {
			if t.DType.IsActs() && t.Level == level {
				tiles = append(tiles, t)
			}
		}
	}
	require.NotEmpty(tb, tiles)
	return tiles
}

// activations are blocks of one kind each: ordinary numbers, ties, numbers of every exponent, one special, or all zeros.
func activations(rng *rand.Rand, blocks int) []float32 {
	v := floats(rng, blocks*quant.Unit)
	for ; blocks > 0; blocks-- {
		block := v[(blocks-1)*quant.Unit:][:quant.Unit]
		switch rng.IntN(6) {
		case 0:
			for i := range block {
				block[i] = float32(rng.IntN(509)-254) / 2
			}
			block[rng.IntN(len(block))] = 127
		case 1:
			exponent := rng.IntN(255)
			for i := range block {
				block[i] = math.Float32frombits(rng.Uint32()&0x807fffff | uint32(max(0, exponent-rng.IntN(10)))<<23)
			}
		case 2:
			special := []uint32{0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0x7f7fffff, 1, 0x80000000, 0x007fffff, 0x00800000}
			block[rng.IntN(len(block))] = math.Float32frombits(special[rng.IntN(len(special))])
		case 3:
			clear(block)
			block[rng.IntN(len(block))] = math.Float32frombits(rng.Uint32() & 0x807fffff >> rng.IntN(23))
		}
	}
	return v
}

func TestEncodeIsGos(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tile := range encoders(t) {
		in, out := newPageEnd(t), newPageEnd(t)
		for i := range 20000 {
			blocks := i % 6
			src := in.floats(blocks * quant.Unit)
			copy(src, activations(rng, blocks))
			row := tile.DType.Row()
			got, want := out.bytes(blocks*row.Bytes), make([]byte, blocks*row.Bytes)
			tile.Encode(got, src)
			row.Encode(want, src)
			require.Equal(t, want, got, "%s of %s: %v", tile.Level, tile.DType, src)
		}
	}
}

func TestEncodePanicsOutOfRange(t *testing.T) {
	for _, tile := range encoders(t) {
		require.Panics(t, func() { tile.Encode(make([]byte, 2*tile.DType.Row().Bytes-1), make([]float32, 2*quant.Unit)) }, tile.Level)
		require.Panics(t, func() { tile.Encode(make([]byte, 2*tile.DType.Row().Bytes), make([]float32, quant.Unit+1)) }, tile.Level)
	}
}

func BenchmarkEncode(b *testing.B) {
	const n = 2048
	src, dst := floats(rand.New(rand.NewPCG(1, 2)), n), make([]byte, n/quant.Unit*quant.A16Bytes)
	for _, tile := range encoders(b) {
		b.Run(fmt.Sprintf("%s/%s", tile.DType, tile.Level), func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				tile.Encode(dst, src)
			}
		})
	}
}
