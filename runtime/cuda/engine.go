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
	done    driver.Event // the last step's end
	begin   driver.Event // of a launch that is watched
	steps   map[string]*step
	mem     memory
	rooms   rooms
	pick    driver.Function // 0: the module has none
	profile func(node, kernel string, d time.Duration)
	block   bool  // wait for each launch, so that a fault names its kernel
	lost    error // after which nothing can be done
}

var _ runtime.GreedyEngine = (*Engine)(nil)

// New loads p's kernels and weights onto a device.
func New(p *runtime.Program, w runtime.Weights, code Code, d driver.Driver, o Options) (_ *Engine, err error) {
	ctx, err := d.Open(o.Device)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		program: p, ctx: ctx, info: ctx.Info(), steps: map[string]*step{}, profile: o.Profile,
		block: os.Getenv("LLORCH_CUDA_BLOCKING") != "",
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if err := e.fits(); err != nil {
		return nil, err
	}
	if e.stream, err = ctx.NewStream(); err != nil {
		return nil, err
	}
	if e.done, err = ctx.NewEvent(); err != nil {
		return nil, err
	}
	if e.begin, err = ctx.NewEvent(); err != nil {
		return nil, err
	}
	functions, err := e.load(code)
	if err != nil {
		return nil, err
	}
	if err := e.allocate(w); err != nil {
		return nil, err
	}
	for i := range p.Steps {
		s, err := e.bind(&p.Steps[i], functions)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", p.Steps[i].Name, err)
		}
		e.steps[s.spec.Name] = s
	}
	return e, nil
}

// DeviceName is the device's.
func (e *Engine) DeviceName() string { return e.info.Name }

// Close implements runtime.Engine: it gives back the device's memory.
func (e *Engine) Close() error {
	var errs []error
	if e.stream != 0 && e.lost == nil {
		errs = append(errs, e.ctx.Synchronize(e.stream))
	}
	for _, m := range e.rooms.all {
		errs = append(errs, m.free())
	}
	e.rooms.all = nil
	errs = append(errs, e.mem.free(e.ctx), e.ctx.Close())
	if e.lost != nil {
		return nil // nothing can be given back, and whoever closes has heard why
	}
	return errors.Join(errs...)
}

// alive is the error that made the device unusable, if any has.
func (e *Engine) alive() error {
	if e.lost != nil {
		return fmt.Errorf("the device is lost since: %w", e.lost)
	}
	return nil
}

// failed keeps an error that the device does not survive.
func (e *Engine) failed(err error) error {
	var call *driver.Error
	if errors.As(err, &call) && call.Lost() && e.lost == nil {
		e.lost = err
	}
	return err
}

// wait waits for all that is queued. It does not sleep at first: a step is short.
func (e *Engine) wait() error {
	if err := e.ctx.Record(e.done, e.stream); err != nil {
		return err
	}
	for start := time.Now(); ; {
		done, err := e.ctx.Query(e.done)
		if done || err != nil {
			return err
		}
		if time.Since(start) > 2*time.Millisecond {
			time.Sleep(20 * time.Microsecond)
		}
	}
}
