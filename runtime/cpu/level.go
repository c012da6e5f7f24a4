package cpu

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir/kernel"
)

// portable is the level of tiles in plain Go.
const portable = "portable"

// Levels lists the CPU levels whose tiles this build may have and this machine runs, best first.
func Levels() []string { return append(machineLevels(), portable) }

// levelsFrom is Levels from the given one on, or all for "".
func levelsFrom(level string) ([]string, error) {
	all := Levels()
	if level == "" {
		return all, nil
	}
	i := slices.Index(all, level)
	if i < 0 {
		return nil, fmt.Errorf("CPU level %q: this machine and build have %v", level, all)
	}
	return all[i:], nil
}

// tiles picks the tile of the first of the levels that has one, for each dtype.
func (l Library) tiles(levels []string) map[kernel.DType]*Tile {
	best := map[kernel.DType]*Tile{}
	for _, level := range levels {
		for i := range l.Tiles {
			t := &l.Tiles[i]
			if t.Level == level && best[t.DType] == nil {
				best[t.DType] = t
			}
		}
	}
	return best
}
