package gpu

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

const (
	align     = 256      // of what kernels load from
	stepWords = 1 << 14  // of step memory
	slack     = 64 << 20 // that the driver wants besides: code, local memory
	countsAt  = 1024     // first word of the counts of groups that join
)

// Offsets in the engine's pinned memory, which captured graphs copy from and to. Behind the tokens of a step lie the logits of one
// position.
const (
	symbolsAt = 0   // values of the symbols
	pickHead  = 256 // the head of the words at pickAt
	ringAt    = 512 // ringSize words of 64 bits: sequence number above, token below
	ringSize  = 64
	foundAt   = ringAt + 8*ringSize // the likeliest tokens
	tokensAt  = 1 << 12
)

// memory is what the engine has on the device, and the host's that the device reads and writes. The context gives it back.
type memory struct {
	weights []device.Ptr // of each tensor
	mapped  [][]byte     // those that the device reads in place
	arena   device.Ptr
	step    device.Ptr
	host    []byte // pinned
	hostPtr device.Ptr
	logits  []byte // of one position, pinned
	wide    []byte // of many positions, pinned when they are first asked for
}

// up rounds bytes up to whole lines.
func up(n int64) int64 { return (n + align - 1) / align * align }

// needs is the memory for the weights, one cache and the rest.
func needs(p *runtime.Program) (weights, cache, rest int64) {
	for i := range p.Weights {
		weights += up(p.Weights[i].Bytes)
	}
	return weights, cacheBytes(p), up(p.Memory().Arena) + 4*stepWords + slack
}

// fits refuses a program that the device has no room for, before anything is loaded.
func (e *Engine) fits() error {
	free, _, err := e.ctx.MemInfo()
	if err != nil {
		return err
	}
	weights, cache, rest := needs(e.program)
	if need := weights + cache + rest; need > free {
		return fmt.Errorf("%s: %s needs %s GB (weights %s, cache %s, arena %s), %s GB free on %s: %s",
			e.info.Target, cmp.Or(e.program.Model, "the model"), gigabytes(need), gigabytes(weights), gigabytes(cache), gigabytes(rest), gigabytes(free), e.device(),
			runtime.Memory{Weights: weights, KV: cache, Arena: rest}.Fitting(e.program.Context, free))
	}
	return nil
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e9) }

// allocate takes the memory that steps work on.
func (e *Engine) allocate() (err error) {
	m, p := &e.mem, e.program
	m.weights = make([]device.Ptr, len(p.Weights))
	if _, maps := e.ctx.(device.Mapper); !maps {
		weights, _, _ := needs(p)
		blob, err := e.ctx.Alloc(max(weights, align))
		if err != nil {
			return fmt.Errorf("weights: %w", err)
		}
		for i := range p.Weights {
			m.weights[i] = blob
			blob += device.Ptr(up(p.Weights[i].Bytes))
		}
	}
	if m.arena, err = e.ctx.Alloc(max(up(p.Memory().Arena), align)); err != nil {
		return fmt.Errorf("arena: %w", err)
	}
	if m.step, err = e.ctx.Alloc(4 * stepWords); err != nil {
		return fmt.Errorf("step memory: %w", err)
	}
	if err := e.ctx.Zero(m.step, 4*stepWords, e.stream); err != nil {
		return fmt.Errorf("step memory: %w", err)
	}
	logitsAt := tokensAt + up(4*int64(p.Chunk))
	if m.host, m.hostPtr, err = e.ctx.Pinned(logitsAt + 4*int64(p.Vocab)); err != nil {
		return fmt.Errorf("host memory: %w", err)
	}
	m.logits = m.host[logitsAt:]
	return nil
}

// logits is host memory for n bytes of logits: the same each time when they are of one position.
func (e *Engine) logits(n int64) ([]byte, error) {
	m := &e.mem
	if n <= int64(len(m.logits)) {
		return m.logits[:n], nil
	}
	if n > int64(len(m.wide)) {
		if m.wide != nil {
			if err := e.ctx.FreePinned(m.wide); err != nil {
				return nil, err
			}
			m.wide = nil
		}
		wide, _, err := e.ctx.Pinned(n)
		if err != nil {
			return nil, fmt.Errorf("logits: %w", err)
		}
		m.wide = wide
	}
	return m.wide[:n], nil
}

// setSymbols puts the values of the symbols into the pinned memory that steps copy them from.
func (e *Engine) setSymbols() {
	for i, v := range e.symbols {
		binary.LittleEndian.PutUint32(e.mem.host[symbolsAt+4*i:], uint32(int32(v)))
	}
}

// setTokens puts a step's tokens there.
func (e *Engine) setTokens(tokens []int32) {
	for i, t := range tokens {
		binary.LittleEndian.PutUint32(e.mem.host[tokensAt+4*i:], uint32(t))
	}
}

// copySymbols queues the copy of the symbols to the device.
func (e *Engine) copySymbols() error {
	return e.ctx.CopyIn(e.mem.step, e.mem.host[symbolsAt:symbolsAt+4*len(e.symbols)], e.stream)
}

// copyTokens queues the copy of n tokens to where a step reads them.
func (e *Engine) copyTokens(s *step, n int) error {
	return e.ctx.CopyIn(e.mem.arena+device.Ptr(s.tokens.Offset), e.mem.host[tokensAt:tokensAt+4*n], e.stream)
}
