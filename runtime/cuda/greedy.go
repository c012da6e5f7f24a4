package cuda

import (
	"context"
	"encoding/binary"
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
)

// Words of step memory that the kernel which chooses tokens reads and writes: see codegen/clike/cuda/pick.cu.
const (
	pickAt     = 2048 // vocabulary, index of the past's symbol, sequence number, count of blocks, then the blocks' candidates
	pickVocab  = 0
	pickPast   = 1
	pickSeq    = 2
	pickBlocks = 64
)

// Offsets in the engine's pinned memory.
const (
	symbolsAt = 0
	pickHead  = 256 // the head of the words at pickAt
	ringAt    = 512 // ringSize words of 64 bits: sequence number above, token below
	ringSize  = 64
	tokensAt  = ringAt + 8*ringSize
)

// logitsAt is where logits lie, behind the tokens.
func logitsAt(p *runtime.Program) int { return tokensAt + int(up(4*int64(p.Chunk))) }

// ahead is how many steps are queued beyond the one whose token the host has seen: enough that the device never waits.
const ahead = 8

func hostBytes(p *runtime.Program) int64 {
	most := int64(4 * p.Vocab)
	for i := range p.Steps {
		s := &p.Steps[i]
		symbols := make([]int64, len(p.Symbols))
		for j := range symbols {
			symbols[j] = int64(p.Context)
			if j == 0 {
				symbols[j] = int64(p.Chunk)
			}
		}
		for j := range s.Outputs {
			if n, err := portBytes(&s.Outputs[j], symbols); err == nil && n < 4<<30 {
				most = max(most, n)
			}
		}
	}
	return int64(logitsAt(p)) + most
}

// Greedy implements runtime.GreedyEngine.
func (e *Engine) Greedy(ctx context.Context, c runtime.Cache, token int32, past, n int, yield func(id int32) bool) (made int, err error) {
	s, m, err := e.admit(runtime.Decode, c, past, []int32{token})
	if err != nil {
		return 0, err
	}
	if n > e.program.Context-past {
		return 0, fmt.Errorf("%d steps after %d do not fit the context of %d", n, past, e.program.Context)
	}
	made, err = e.follow(ctx, s, m, token, past, n, yield)
	return made, e.failed(err)
}

func (e *Engine) follow(ctx context.Context, s *step, m *room, token int32, past, n int, yield func(id int32) bool) (made int, err error) {
	symbols := make([]int64, len(e.program.Symbols))
	symbols[0], symbols[1] = 1, int64(past)
	if err := e.first(s, symbols, token); err != nil {
		return 0, err
	}
	queued := 0
	defer func() { // what was queued too far is waited for, as its inputs are the engine's
		if queued > made {
			if waited := e.wait(); err == nil {
				err = waited
			}
		}
	}()
	for made < n {
		for ; queued < n && queued < made+ahead; queued++ {
			symbols[1] = int64(past + queued)
			if err := e.graph(m, s, "greedy", func() error { return e.choose(s, m, symbols) }); err != nil {
				return made, err
			}
		}
		id, err := e.chosen(ctx, uint32(made+1))
		if err != nil {
			return made, err
		}
		if id < 0 {
			return made, fmt.Errorf("step %s at position %d: the logits are not all finite", s.spec.Name, past+made)
		}
		made++
		if !yield(id) {
			return made, nil
		}
	}
	return made, nil
}

// first puts the first token, the symbols and the head of what choosing needs onto the device.
func (e *Engine) first(s *step, symbols []int64, token int32) error {
	e.setSymbols(symbols)
	word := func(at int, v uint32) { binary.LittleEndian.PutUint32(e.mem.host[at:], v) }
	word(pickHead+4*pickVocab, uint32(e.program.Vocab))
	word(pickHead+4*pickPast, 1)
	word(pickHead+4*pickSeq, 0)
	word(tokensAt, uint32(token))
	clear(e.mem.host[ringAt : ringAt+8*ringSize])
	if err := e.copySymbols(); err != nil {
		return err
	}
	if err := e.ctx.CopyIn(e.mem.step+4*pickAt, e.mem.host[pickHead:pickHead+12], e.stream); err != nil {
		return err
	}
	return e.ctx.CopyIn(e.mem.arena+driver.Ptr(s.tokens.Offset), e.mem.host[tokensAt:tokensAt+4], e.stream)
}

// choose queues a step, and the kernel that puts the likeliest token where the next one reads it and where the host does, and
// moves on the past.
func (e *Engine) choose(s *step, m *room, symbols []int64) error {
	if err := e.queue(s, m, symbols); err != nil {
		return err
	}
	return e.ctx.Launch(driver.Launch{
		Name: "kernel " + pickName, Function: e.pick, Blocks: pickBlocks, Threads: 256, Overlap: e.info.Major >= 9,
		Args: []driver.Ptr{
			e.mem.step, e.mem.step + 4*pickAt, e.mem.arena + driver.Ptr(s.spec.Outputs[0].Offset),
			e.mem.arena + driver.Ptr(s.tokens.Offset), e.mem.hostPtr + ringAt,
		},
	}, e.stream)
}

// chosen waits for the token of a step.
func (e *Engine) chosen(ctx context.Context, seq uint32) (int32, error) {
	slot := (*uint64)(unsafe.Pointer(&e.mem.host[ringAt+8*(seq%ringSize)]))
	patience := time.Now().Add(5 * time.Millisecond)
	for spins := 0; ; spins++ {
		if v := atomic.LoadUint64(slot); uint32(v>>32) == seq {
			return int32(uint32(v)), nil
		}
		if spins%64 == 63 {
			goruntime.Gosched()
		}
		if spins%1024 != 1023 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if time.Now().Before(patience) {
			continue
		}
		// Something takes long, or has gone wrong: a stream that failed never writes the token.
		if err := e.wait(); err != nil {
			return 0, err
		}
		if v := atomic.LoadUint64(slot); uint32(v>>32) != seq {
			return 0, fmt.Errorf("the device ran step %d and left no token", seq)
		}
	}
}
