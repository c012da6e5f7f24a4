package cpu

import (
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLevels(t *testing.T) {
	all := Levels()
	require.Equal(t, "portable", all[len(all)-1])
	if goruntime.GOARCH != "amd64" {
		require.Len(t, all, 1)
	}
	for i, level := range all {
		from, err := levelsFrom(level)
		require.NoError(t, err)
		require.Equal(t, all[i:], from)
	}
	from, err := levelsFrom("")
	require.NoError(t, err)
	require.Equal(t, all, from)
}

func TestUnknownLevel(t *testing.T) {
	_, err := New(toyProgram(t), toyWeights(), Library{Kernels: toyKernels(t), Tiles: toyTiles}, Options{Level: "vax"})
	require.ErrorContains(t, err, `CPU level "vax": this machine and build have [`)
	require.ErrorContains(t, err, "portable]")
}

func TestLevelOption(t *testing.T) {
	tiles := slices.Clone(toyTiles)
	for _, level := range Levels() {
		tiles = append(tiles, Tile{DType: toyTiles[0].DType, Level: level, At: toyTiles[0].At})
	}
	lib := Library{Kernels: toyKernels(t), Tiles: tiles}
	for _, level := range Levels() {
		b, err := newBinder(toyProgram(t), toyWeights(), lib, Options{Level: level})
		require.NoError(t, err)
		require.Equal(t, level, b.tiles[toyTiles[0].DType].Level)
	}
}
