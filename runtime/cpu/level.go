package cpu

import "github.com/llorch/llorch/ir/kernel"

// Levels lists the CPU levels whose tiles this machine runs, best first.
func Levels() []string { return []string{"portable"} }

// tiles picks the best tile that this machine runs for each dtype.
func (l Library) tiles() map[kernel.DType]*Tile {
	best := map[kernel.DType]*Tile{}
	for _, level := range Levels() {
		for i := range l.Tiles {
			t := &l.Tiles[i]
			if t.Level == level && best[t.DType] == nil {
				best[t.DType] = t
			}
		}
	}
	return best
}
