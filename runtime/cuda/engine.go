package cuda

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda/driver"
)

// Options are what a program leaves open.
type Options struct {
	Device int // as the driver numbers them
	// Profile is told of each launch, when not nil: launches then follow one another without overlap, in no graph.
	Profile func(node, kernel string, d time.Duration)
}

// Engine runs a program on a device. It is not safe for concurrent use.
type Engine struct {
	program *runtime.Program
	ctx     driver.Context
	info    driver.Info
	stream  driver.Stream
	done    driver.Event // the end of what is queued
	begin   driver.Event // of a launch that is watched
	steps   map[string]*step
	symbols []int64 // of the step that runs
	mem     memory
	rooms   rooms
	pick    driver.Function
	bound   driver.Function
	best    driver.Function
	sampled *step // whose logits are on the device alone
	profile func(node, kernel string, d time.Duration)
	block   bool  // wait for each launch, so that a fault names its kernel
	lost    error // after which nothing can be done
	hung    bool  // lost because the device does not answer
}

var (
	_ runtime.GreedyEngine    = (*Engine)(nil)
	_ runtime.CandidateEngine = (*Engine)(nil)
)

// New loads p's kernels and weights onto a device. It checks all of p, and that it fits the device's memory, before it loads them.
func New(p *runtime.Program, w runtime.Weights, code Code, d driver.Driver, o Options) (_ *Engine, err error) {
	kernels, err := check(p)
	if err != nil {
		return nil, err
	}
	ctx, err := d.Open(o.Device)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		program: p, ctx: ctx, info: ctx.Info(), steps: map[string]*step{}, symbols: make([]int64, len(p.Symbols)), profile: o.Profile,
		block: os.Getenv("LLORCH_CUDA_BLOCKING") != "",
	}
	defer func() {
		if err != nil {
			err = errors.Join(e.failed(err), e.Close())
		}
	}()
	if err := e.fits(); err != nil {
		return nil, err
	}
	if e.stream, err = ctx.NewStream(); err != nil {
		return nil, err
	}
	for _, ev := range []*driver.Event{&e.done, &e.begin} {
		if *ev, err = ctx.NewEvent(); err != nil {
			return nil, err
		}
	}
	functions, err := e.load(code)
	if err != nil {
		return nil, err
	}
	if err := e.allocate(); err != nil {
		return nil, err
	}
	if err := e.upload(w); err != nil {
		return nil, err
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if e.steps[s.Name], err = e.bind(s, kernels, functions); err != nil {
			return nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
	}
	return e, nil
}

// DeviceName is the device's.
func (e *Engine) DeviceName() string { return e.info.Name }

var errClosed = errors.New("cuda: the engine is closed")

// Close implements runtime.Engine: it gives back what the engine has on the device.
func (e *Engine) Close() error {
	if errors.Is(e.lost, errClosed) {
		return nil
	}
	lost := e.lost
	e.lost = errClosed
	if e.hung {
		return nil // any call might wait for the device
	}
	if err := e.ctx.Close(); lost == nil {
		return err
	}
	return nil // what was lost cannot be given back, and whoever closes has heard why
}

// device names the device in errors.
func (e *Engine) device() string { return fmt.Sprintf("device %d (%s)", e.info.Index, e.info.Name) }
