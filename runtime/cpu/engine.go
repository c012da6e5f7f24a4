package cpu

import (
	"fmt"
	goruntime "runtime"
	"time"

	"github.com/llorch/llorch/runtime"
)

// Options are what a program leaves open.
type Options struct {
	// Threads run kernels; 0 is one for each CPU.
	Threads int
	// Level is the best CPU level whose tiles are used, one of Levels; "" is the first.
	Level string
	// Warn is told once of each kernel that the library lacks.
	Warn func(message string)
	// Profile is told of each launch, when not nil.
	Profile func(node, kernel string, d time.Duration)
}

// Engine runs a program on the CPU. It is not safe for concurrent use.
type Engine struct {
	program *runtime.Program
	steps   map[string]*step
	arena   []byte // of the step that runs
	symbols []int64
	pool    *pool
	profile func(node, kernel string, d time.Duration)
	weights [][]byte                     // by Ref.Index
	see     func(runtime.Launched) error // nil, or told of each launch
}

var _ runtime.Engine = (*Engine)(nil)

// step is a specialisation with its launches bound to memory.
type step struct {
	spec     *runtime.Step
	tokens   *runtime.Port // the input of that name, if it has one
	limit    int           // most tokens
	launches []launch
	states   []stateUse
}

// launch is a kernel with its arguments.
type launch struct {
	spec   *runtime.Launch
	kernel *Kernel
	args   Args
}

// stateUse is an argument that is a state, whose memory is the current cache's.
type stateUse struct {
	buf   *Buffer
	index int
}

// New makes an engine for p. It checks all of p, and that the weights and the library fit it.
func New(p *runtime.Program, w runtime.Weights, lib Library, opt Options) (*Engine, error) {
	b, err := newBinder(p, w, lib, opt)
	if err != nil {
		return nil, err
	}
	e := &Engine{program: p, steps: map[string]*step{}, arena: b.arena, symbols: make([]int64, len(p.Symbols)), profile: opt.Profile, weights: b.weights}
	for i := range p.Steps {
		s := &p.Steps[i]
		if e.steps[s.Name] != nil {
			return nil, fmt.Errorf("step %d is named %s like one before it", i, s.Name)
		}
		if e.steps[s.Name], err = b.step(s); err != nil {
			return nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
	}
	threads := opt.Threads
	if threads < 0 {
		return nil, fmt.Errorf("%d threads", threads)
	}
	if threads == 0 {
		threads = goruntime.GOMAXPROCS(0) // which a container's CPU limit bounds
	}
	scratch, err := e.worstScratch()
	if err != nil {
		return nil, err
	}
	e.pool = newPool(threads)
	e.pool.reserve(scratch)
	return e, nil
}

// Close implements runtime.Engine.
func (e *Engine) Close() error {
	e.pool.close()
	return nil
}

// worstScratch is the most group memory that any launch asks for when Step runs it: with the most new tokens, and then the
// most past ones.
func (e *Engine) worstScratch() (int, error) {
	most := 0
	for i := range e.program.Steps {
		s := e.steps[e.program.Steps[i].Name]
		if s.tokens == nil {
			continue
		}
		e.symbols[0], e.symbols[1] = int64(s.limit), int64(e.program.Context-s.limit)
		for i := range s.launches {
			_, scratch, err := s.launches[i].size(e.symbols)
			if err != nil {
				return 0, fmt.Errorf("step %s: launch %d (%s): %w", s.spec.Name, i, s.launches[i].spec.Node, err)
			}
			most = max(most, scratch)
		}
	}
	return most, nil
}
