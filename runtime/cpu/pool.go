package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// pool runs the groups of one launch at a time on its workers and the caller.
//
// A launch is over when its groups are, not when every worker has seen it, so a worker that sleeps through a short launch
// costs nothing. That needs claims that cannot outlive their launch: ticket holds the launch's number above the groups
// still unclaimed, a claim is a compare-and-swap of both, and the other fields of a launch are read only by the holders of
// claims, for whom the caller waits.
type pool struct {
	ticket atomic.Uint64 // launch<<32 | groups that nobody has claimed
	_      [56]byte      // workers spin on ticket: keep what finishing writes off its cache line
	left   atomic.Int64  // groups not finished
	_      [56]byte

	kernel *Kernel // of the launch
	args   *Args
	groups int
	share  int // a claim takes one share-th of what is left

	failed  atomic.Bool // the launch's remaining groups are claimed but not run
	failure error       // set by whoever turned failed
	scratch [][]float32 // by worker; the caller's is the last
	spins   int

	parked   parking // workers without work
	caller   parking // the caller, waiting for workers to finish
	closed   atomic.Bool
	finished sync.WaitGroup // workers that have not returned
}

var errClosed = errors.New("the engine is closed")

// Spinning is in rounds of spinLoads looks and one yield: about 50 µs in all, longer than the gaps between a step's launches.
const (
	spinRounds = 64
	spinLoads  = 1000
)

// newPool starts threads-1 workers.
func newPool(threads int) *pool {
	p := &pool{share: 2 * threads, scratch: make([][]float32, threads), spins: spinLoads}
	if threads > runtime.GOMAXPROCS(0) {
		p.spins = 1 // someone who spins keeps someone with work from running
	}
	p.parked.init()
	p.caller.init()
	p.finished.Add(threads - 1)
	for w := range threads - 1 {
		go p.work(w)
	}
	return p
}

// reserve gives every worker group memory of n elements. No launch may be running.
func (p *pool) reserve(n int) {
	if len(p.scratch[0]) >= n {
		return
	}
	for w := range p.scratch {
		p.scratch[w] = alignedFloats(n)
	}
}

// close stops the workers and waits for them.
func (p *pool) close() {
	if !p.closed.Swap(true) {
		p.parked.wake()
	}
	p.finished.Wait()
}

// run runs groups [0, groups) of k. It returns when all have ended; the error is the first panic.
func (p *pool) run(k *Kernel, a *Args, groups int) error {
	if p.closed.Load() {
		return errClosed
	}
	if groups == 0 {
		return nil
	}
	self := len(p.scratch) - 1
	if self == 0 || groups == 1 { // a group runs here sooner than elsewhere
		p.kernel, p.args = k, a
		p.block(self, 0, groups)
		return p.outcome()
	}
	p.kernel, p.args, p.groups = k, a, groups
	p.left.Store(int64(groups))
	p.ticket.Store((p.ticket.Load()>>32+1)<<32 | uint64(groups))
	p.parked.wake()
	p.drain(self)
	if !p.spin(p.idle) {
		p.caller.wait(p.idle)
	}
	return p.outcome()
}

// outcome is the error of the launch that has just ended.
func (p *pool) outcome() error {
	if !p.failed.Load() {
		return nil
	}
	err := p.failure
	p.failure = nil
	p.failed.Store(false)
	return err
}

// work is a worker's life.
func (p *pool) work(w int) {
	defer p.finished.Done()
	debug.SetPanicOnFault(true) // weights are mapped: a file cut short under them is a panic, not the process's end
	for !p.closed.Load() {
		p.drain(w)
		if !p.spin(p.called) {
			p.parked.wait(p.called)
		}
	}
}

func (p *pool) called() bool { return uint32(p.ticket.Load()) != 0 || p.closed.Load() }
func (p *pool) idle() bool   { return p.left.Load() == 0 }

// spin waits a short while for done, and reports whether it came.
func (p *pool) spin(done func() bool) bool {
	for range spinRounds {
		for range p.spins {
			if done() {
				return true
			}
		}
		runtime.Gosched()
	}
	return false
}

// drain claims and runs groups until none are unclaimed.
func (p *pool) drain(w int) {
	for {
		v := p.ticket.Load()
		unclaimed := int(uint32(v))
		if unclaimed == 0 {
			return
		}
		// A claim is large while much is left, for runs of memory in order, and single at the end, for balance. The share is
		// constant over a pool's life; all else of the launch is read below, behind the claim.
		n := max(1, unclaimed/p.share)
		if !p.ticket.CompareAndSwap(v, v-uint64(n)) {
			continue
		}
		first := p.groups - unclaimed
		p.block(w, first, first+n)
		if p.left.Add(-int64(n)) == 0 {
			p.caller.wake()
		}
	}
}

// block runs groups [first, end); a panic becomes the launch's failure.
func (p *pool) block(w, first, end int) {
	if p.failed.Load() {
		return
	}
	k, a, scratch := p.kernel, p.args, p.scratch[w]
	g := first
	defer func() {
		if g == end {
			return
		}
		err := recovered(recover(), "kernel %s: group %d", k.Name, g)
		if p.failed.CompareAndSwap(false, true) {
			p.failure = err
		}
	}()
	for ; g < end; g++ {
		k.Run(a, scratch, g)
	}
}

// recovered is the error of a panic in a kernel; where says which, unless the interpreter did.
func recovered(cause any, where string, args ...any) error {
	if f, ok := cause.(fault); ok {
		return f.error
	}
	return fmt.Errorf(where+": %v", append(args, cause)...)
}

// parking is where goroutines sleep until a condition that another goroutine makes true.
type parking struct {
	sleepers atomic.Int32
	mu       sync.Mutex
	cond     sync.Cond
}

func (s *parking) init() { s.cond.L = &s.mu }

// wait sleeps until done.
func (s *parking) wait(done func() bool) {
	s.mu.Lock()
	s.sleepers.Add(1) // before done is looked at: who makes it true after that look sees a sleeper
	for !done() {
		s.cond.Wait()
	}
	s.sleepers.Add(-1)
	s.mu.Unlock()
}

// wake lets sleepers look again. It is one load when there are none.
func (s *parking) wake() {
	if s.sleepers.Load() == 0 {
		return
	}
	s.mu.Lock() // held by a sleeper that has looked and does not sleep yet
	s.cond.Broadcast()
	s.mu.Unlock()
}
