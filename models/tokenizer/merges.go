package tokenizer

import (
	"fmt"
	"math/bits"
	"strings"
)

// mostMerges is as many as a merge's score counts exactly.
const mostMerges = 1 << 24

// ranks are the merges of a vocabulary: a hash table with open addressing of
// the pairs, which a map would make twice as slow.
type ranks struct {
	slots []slot
	shift uint
	made  []int32 // the piece that each merge makes
}

type slot struct {
	pair uint64 // left and right id, 1 more; 0 where the slot is free
	rank int32
}

const noRank = 1<<31 - 1

func newRanks(n int) *ranks {
	size := uint(bits.Len(uint(n + n/2))) // at most two thirds full
	return &ranks{slots: make([]slot, 1<<size), shift: 64 - size, made: make([]int32, 0, n)}
}

func pairOf(left, right int32) uint64 { return (uint64(left)<<32 | uint64(right)) + 1 }

// slot is where the pair is, or would be.
func (r *ranks) slot(pair uint64) *slot {
	i := int(pair * 0x9E3779B97F4A7C15 >> r.shift)
	for {
		s := &r.slots[i]
		if s.pair == pair || s.pair == 0 {
			return s
		}
		i = (i + 1) & (len(r.slots) - 1)
	}
}

// of is the rank of a pair of ids, noRank where they do not merge.
func (r *ranks) of(left, right int32) int32 {
	if left < 0 || right < 0 {
		return noRank
	}
	if s := r.slot(pairOf(left, right)); s.pair != 0 {
		return s.rank
	}
	return noRank
}

// rankMerges enters the merges into a table. Of merges of the same pair the
// first counts. One that makes a control, unknown or byte piece is left out,
// so that text cannot forge them.
func (s *Spec) rankMerges() (*ranks, error) {
	ids := make(map[string]int32, len(s.Pieces))
	for i, p := range s.Pieces {
		ids[p.Text] = int32(i)
	}
	r := newRanks(len(s.Merges))
	var whole []byte
	for i, m := range s.Merges {
		// A piece may be a space.
		at := 1 + strings.IndexByte(m[min(1, len(m)):], ' ')
		if at == 0 {
			return nil, fmt.Errorf("merge %d %q: want two pieces with a space between", i, m)
		}
		left, right := m[:at], m[at+1:]
		whole = append(append(whole[:0], left...), right...)
		l, okLeft := ids[left]
		n, okRight := ids[right]
		made, ok := ids[string(whole)]
		if !okLeft || !okRight || !ok || right == "" {
			return nil, fmt.Errorf("merge %d %q: %q is no piece", i, m, lacking(left, right, okLeft, okRight))
		}
		r.made = append(r.made, made)
		if at := r.slot(pairOf(l, n)); at.pair == 0 && s.Pieces[made].Type.mergeable() {
			*at = slot{pairOf(l, n), int32(i)}
		}
	}
	return r, nil
}

// lacking is which of a merge's pieces there is not.
func lacking(left, right string, okLeft, okRight bool) string {
	switch {
	case !okLeft:
		return left
	case !okRight || right == "":
		return right
	}
	return left + right
}
