package gpu

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/sample"
)

// The kernels that find the likeliest tokens.
const (
	boundName = "llorch_bound"
	bestName  = "llorch_best"
)

const (
	bestAt     = 4096 // first of the words of step memory that they write
	bestBlocks = 32
	bestCount  = 256 // of the likeliest tokens
)

// What llorch_best leaves in the host's memory.
const (
	foundCount  = 0 // of tokens, or one of the codes below
	foundMax    = 4 // of the logits, f32
	foundSum    = 8 // of exp(logit - max), f64
	foundTokens = 16
	foundLogits = foundTokens + 4*bestCount

	notFinite = -1
	tooMany   = -2 // logits are nearly as good as the best
)

// Candidates implements runtime.CandidateEngine: it runs a decode step of token behind past tokens, and returns the tokens that are the likeliest to follow, at most 256,
// with the logarithm of the sum of the exponentials of all logits. The best comes first, among equals the lowest id; a logit of
// -Inf is no candidate. All says that there are no others. Row has all logits.
func (e *Picker) Candidates(ctx context.Context, c runtime.Cache, past int, token int32) (best []sample.Candidate, logSumExp float64, all bool, err error) {
	s, m, err := e.admit(ctx, runtime.Decode, c, past, []int32{token})
	if err == nil {
		err = e.choosable(s)
	}
	if err != nil {
		return nil, 0, false, err
	}
	e.setSymbols()
	e.setTokens([]int32{token})
	err = e.finish(ctx, e.graph(m, s, bestGraph, func() error { return e.find(ctx, s, m) }))
	if err != nil {
		return nil, 0, false, err
	}
	e.sampled, e.found = e.ran, s
	found := e.mem.host[foundAt:]
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(found[at:]) }
	logSumExp = float64(math.Float32frombits(word(foundMax))) + math.Log(math.Float64frombits(binary.LittleEndian.Uint64(found[foundSum:])))
	switch n := int32(word(foundCount)); n {
	case notFinite:
		return nil, 0, false, fmt.Errorf("step %s at position %d: its logits are not all finite numbers", s.spec.Name, past)
	case tooMany:
		best, err = e.sortRow(ctx)
		return best, logSumExp, len(best) < bestCount, err
	default:
		best = make([]sample.Candidate, n)
		for i := range best {
			best[i] = sample.Candidate{ID: int32(word(foundTokens + 4*i)), Logit: math.Float32frombits(word(foundLogits + 4*i))}
		}
		return best, logSumExp, n < bestCount, nil
	}
}

// find queues a step, and the kernels that find its likeliest tokens.
func (e *Picker) find(ctx context.Context, s *step, m *room) error {
	if err := e.copySymbols(); err != nil {
		return err
	}
	if err := e.copyTokens(s, 1); err != nil {
		return err
	}
	if err := e.queue(ctx, s, m); err != nil {
		return err
	}
	l := device.Launch{
		Name: boundName, Function: e.bound, Blocks: bestBlocks, Threads: 1024, Overlap: e.overlaps(),
		Args: []device.Ptr{e.mem.step + 4*pickAt, e.mem.step + 4*bestAt, e.mem.arena + device.Ptr(s.spec.Outputs[0].Offset)},
	}
	if err := e.ctx.Launch(l, e.stream); err != nil {
		return err
	}
	l.Name, l.Function, l.Args = bestName, e.best, append(l.Args, e.mem.hostPtr+foundAt)
	return e.ctx.Launch(l, e.stream)
}

// Row implements runtime.CandidateEngine: all logits of the step that Candidates ran, if it was the last step. They are valid until the next one.
func (e *Picker) Row(ctx context.Context) ([]float32, error) {
	if err := e.alive(); err != nil {
		return nil, err
	}
	if e.found == nil || e.sampled != e.ran {
		return nil, errors.New("the last step was not one for candidates")
	}
	row := e.mem.logits[:4*e.program.Vocab]
	err := e.finish(ctx, e.ctx.CopyOut(row, e.mem.arena+device.Ptr(e.found.spec.Outputs[0].Offset), e.stream))
	if err != nil {
		return nil, err
	}
	return floats(row), nil
}

// sortRow finds the candidates on the host, where so many logits are alike that the device had no room.
func (e *Picker) sortRow(ctx context.Context) ([]sample.Candidate, error) {
	row, err := e.Row(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]sample.Candidate, 0, len(row))
	for id, v := range row {
		if !math.IsInf(float64(v), -1) {
			all = append(all, sample.Candidate{ID: int32(id), Logit: v})
		}
	}
	slices.SortFunc(all, func(a, b sample.Candidate) int {
		return cmp.Or(cmp.Compare(b.Logit, a.Logit), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), bestCount)], nil
}
