package gpu

import (
	"context"
	"encoding/binary"
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// pickName is the kernel that chooses the likeliest token.
const pickName = "llorch_pick"

// Words of step memory that it reads and writes.
const (
	pickAt     = 2048 // vocabulary, index of the past's symbol, sequence number, count of blocks, then the blocks' candidates
	pickVocab  = 0
	pickPast   = 1
	pickSeq    = 2
	pickBlocks = 64
)

// ahead is how many steps are queued beyond the one whose token the host has seen: enough that the device never waits.
const ahead = 8

// Greedy implements runtime.GreedyEngine. What a step chooses goes on the device to the next one and into a ring in the host's
// memory. Steps that were queued past the last token that is wanted are harmless: they only write behind it, inside the context.
func (e *Picker) Greedy(ctx context.Context, c runtime.Cache, token int32, past, n int, yield func(id int32) bool) (made int, err error) {
	s, m, err := e.admit(ctx, runtime.Decode, c, past, []int32{token})
	if err != nil {
		return 0, err
	}
	if err := e.choosable(s); err != nil {
		return 0, err
	}
	if n > e.program.Context-past {
		return 0, fmt.Errorf("step %s: %d tokens after %d do not fit the context of %d", s.spec.Name, n, past, e.program.Context)
	}
	queued := 0
	defer func() { // also when yield panics: what was queued uses the engine's memory
		if queued > made || err != nil {
			err = e.finish(ctx, err)
		}
	}()
	if err := e.first(s, token); err != nil {
		return 0, err
	}
	for made < n {
		if err := ctx.Err(); err != nil {
			return made, err
		}
		for ; queued < n && queued < made+ahead; queued++ {
			e.symbols[1] = int64(past + queued) // which the device knows already
			if err := e.graph(m, s, greedyGraph, func() error { return e.choose(ctx, s, m) }); err != nil {
				return made, err
			}
		}
		id, err := e.chosen(ctx, uint32(made+1))
		if err != nil {
			return made, err
		}
		if id < 0 {
			return made, fmt.Errorf("step %s at position %d: its logits are not all finite numbers", s.spec.Name, past+made)
		}
		made++
		if !yield(id) {
			return made, nil
		}
	}
	return made, nil
}

// choosable reports why no token can be chosen from a step's logits, if so.
func (e *Picker) choosable(s *step) error {
	if n, err := portBytes(s.spec, &s.spec.Outputs[0], e.symbols); err != nil || n != 4*int64(e.program.Vocab) || n == 0 {
		return fmt.Errorf("step %s: %d bytes of logits of a vocabulary of %d", s.spec.Name, n, e.program.Vocab)
	}
	return nil
}

// setPick puts what kernels that choose need onto the device.
func (e *Picker) setPick() error {
	for at, v := range map[int]int{pickVocab: e.program.Vocab, pickPast: 1, pickSeq: 0} {
		binary.LittleEndian.PutUint32(e.mem.host[pickHead+4*at:], uint32(v))
	}
	return e.copyPick()
}

func (e *Picker) copyPick() error {
	return e.ctx.CopyIn(e.mem.step+4*pickAt, e.mem.host[pickHead:pickHead+4*(pickSeq+1)], e.stream)
}

// first puts the first token, the symbols and a sequence number of 0 onto the device.
func (e *Picker) first(s *step, token int32) error {
	for i := range uint32(ringSize) {
		atomic.StoreUint64(e.slot(i), 0)
	}
	e.setSymbols()
	e.setTokens([]int32{token})
	if err := e.copySymbols(); err != nil {
		return err
	}
	if err := e.copyPick(); err != nil {
		return err
	}
	return e.copyTokens(s, 1)
}

// choose queues a step, and the kernel that puts the likeliest token where the next one reads it and where the host does, and
// moves on the past.
func (e *Picker) choose(ctx context.Context, s *step, m *room) error {
	if err := e.queue(ctx, s, m); err != nil {
		return err
	}
	return e.ctx.Launch(device.Launch{
		Name: pickName, Function: e.pick, Blocks: pickBlocks, Threads: 256, Overlap: e.overlaps(),
		Args: []device.Ptr{
			e.mem.step, e.mem.step + 4*pickAt, e.mem.arena + device.Ptr(s.spec.Outputs[0].Offset),
			e.mem.arena + device.Ptr(s.tokens.Offset), e.mem.hostPtr + ringAt,
		},
	}, e.stream)
}

// slot is the place of a sequence number in the ring.
func (e *Picker) slot(seq uint32) *uint64 {
	return (*uint64)(unsafe.Pointer(&e.mem.host[ringAt+8*(seq%ringSize)]))
}

// chosen waits for the token of a step.
func (e *Picker) chosen(ctx context.Context, seq uint32) (int32, error) {
	slot := e.slot(seq)
	begin := time.Now()
	for spins := 1; ; spins++ {
		if v := atomic.LoadUint64(slot); uint32(v>>32) == seq {
			return int32(uint32(v)), nil
		}
		if spins%64 == 0 {
			goruntime.Gosched()
		}
		if spins%1024 != 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if time.Since(begin) > alert {
			return e.overdue(ctx, slot, seq)
		}
	}
}

// overdue waits for a token that takes long, or that will not come: what went wrong with a step, only a call of the driver tells.
func (e *Picker) overdue(ctx context.Context, slot *uint64, seq uint32) (int32, error) {
	if err := e.ctx.Record(e.done, e.stream); err != nil {
		return 0, err
	}
	for {
		done, err := e.ctx.Query(e.done)
		if err != nil {
			return 0, err
		}
		if v := atomic.LoadUint64(slot); uint32(v>>32) == seq {
			return int32(uint32(v)), nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if done {
			return 0, fmt.Errorf("%s: %s ran step %d of those that choose tokens, and left none", e.info.Target, e.device(), seq)
		}
		time.Sleep(nap)
	}
}
