package gpu

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/llorch/llorch/runtime/sample"
)

// The kernels of pick.cu in Go.

func word(b []byte, i int) uint32       { return binary.LittleEndian.Uint32(b[4*i:]) }
func setWord(b []byte, i int, v uint32) { binary.LittleEndian.PutUint32(b[4*i:], v) }

// logitsOf are the logits, unless they are not all finite.
func logitsOf(pick, mem []byte) []float32 {
	row := floats(mem)[:word(pick, pickVocab)]
	finite := false
	for _, v := range row {
		if v != v || math.IsInf(float64(v), 1) {
			return nil
		}
		finite = finite || !math.IsInf(float64(v), -1)
	}
	if !finite {
		return nil
	}
	return row
}

func fakePick(args [][]byte) error {
	step, pick, logits, token, ring := args[0], args[1], args[2], args[3], args[4]
	best := int32(-1)
	if row := logitsOf(pick, logits); row != nil {
		best = int32(slices.Index(row, slices.Max(row)))
	}
	seq := word(pick, pickSeq) + 1
	setWord(pick, pickSeq, seq)
	past := int(word(pick, pickPast))
	setWord(step, past, word(step, past)+1)
	setWord(token, 0, uint32(max(best, 0)))
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&ring[8*(seq%ringSize)])), uint64(seq)<<32|uint64(uint32(best)))
	return nil
}

func fakeBest(room int, args [][]byte) error {
	pick, row, found := args[0], logitsOf(args[0], args[2]), args[3]
	if row == nil {
		setWord(found, foundCount/4, math.MaxUint32)
		return nil
	}
	all := sorted(row)
	n := min(len(all), bestCount)
	if len(all) > room {
		n = tooMany
	}
	setWord(found, foundCount/4, uint32(n))
	setWord(found, foundMax/4, math.Float32bits(all[0].Logit))
	sum := 0.0
	for _, v := range row[:word(pick, pickVocab)] {
		sum += math.Exp(float64(v) - float64(all[0].Logit))
	}
	binary.LittleEndian.PutUint64(found[foundSum:], math.Float64bits(sum))
	for i := range n {
		setWord(found, foundTokens/4+i, uint32(all[i].ID))
		setWord(found, foundLogits/4+i, math.Float32bits(all[i].Logit))
	}
	return nil
}

// sorted are all tokens that can follow.
func sorted(row []float32) []sample.Candidate {
	var all []sample.Candidate
	for id, v := range row {
		if !math.IsInf(float64(v), -1) {
			all = append(all, sample.Candidate{ID: int32(id), Logit: v})
		}
	}
	slices.SortStableFunc(all, func(a, b sample.Candidate) int { return cmp.Compare(b.Logit, a.Logit) })
	return all
}
