package gpu

import (
	"errors"
	"fmt"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// Options are what a program leaves open.
type Options struct {
	Device int // as the driver numbers them
	// Profile is told of each launch, when not nil: launches then follow one another without overlap, in no graph.
	Profile func(node, kernel string, d time.Duration)
	// Block waits for each launch, without overlap and graphs: an error of the device then names the kernel that caused it.
	Block bool
}

// Engine runs a program on a device. It is not safe for concurrent use.
type Engine struct {
	program *runtime.Program
	ctx     device.Context
	info    device.Info
	stream  device.Stream
	done    device.Event // the end of what is queued
	begin   device.Event // of a launch that is watched
	steps   map[string]*step
	symbols []int64 // of the step that runs
	mem     memory
	rooms   rooms
	module  device.Module
	ran     int // steps, which tells the last one
	profile func(node, kernel string, d time.Duration)
	see     func(runtime.Launched) error // nil, or told of each launch
	block   bool                         // wait for each launch, so that a fault names its kernel
	lost    error                        // after which nothing can be done
	hung    bool                         // lost because the device does not answer
}

var _ runtime.Engine = (*Engine)(nil)

// New loads p's kernels and weights onto a device, for which code chooses among what the kernels were compiled to. It checks all of
// p, and that it fits the device's memory, before it loads them.
func New(p *runtime.Program, w runtime.Weights, code func(device.Info) ([]byte, error), d device.Driver, o Options) (_ *Engine, err error) {
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
		block: o.Block,
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
	for _, ev := range []*device.Event{&e.done, &e.begin} {
		if *ev, err = ctx.NewEvent(); err != nil {
			return nil, err
		}
	}
	image, err := code(e.info)
	if err != nil {
		return nil, err
	}
	functions, err := e.load(image)
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

var errClosed = errors.New("the engine is closed")

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

// load finds the functions of the program's kernels.
func (e *Engine) load(image []byte) (fns []device.Function, err error) {
	if e.module, err = e.ctx.LoadModule(image); err != nil {
		return nil, err
	}
	fns = make([]device.Function, len(e.program.Kernels))
	for i := range fns {
		k := &e.program.Kernels[i]
		if k.Threads < 1 || k.Threads > 1024 || k.Shared < 0 || k.Shared > e.info.Shared {
			return nil, fmt.Errorf("kernel %s: groups of %d threads with %d bytes of group memory, and %s has up to 1024 with %d",
				k.Name, k.Threads, k.Shared, e.device(), e.info.Shared)
		}
		if fns[i], err = e.ctx.Function(e.module, k.Name, k.Shared); err != nil {
			return nil, err
		}
	}
	return fns, nil
}
