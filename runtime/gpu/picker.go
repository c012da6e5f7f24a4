package gpu

import (
	"errors"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// Picker is an engine whose device chooses tokens, too: its code has kernels of the runtime's own beside the program's, which
// codegen/clike/cuda/pick.cu spells.
type Picker struct {
	*Engine
	pick    device.Function
	bound   device.Function
	best    device.Function
	found   *step // whose candidates were found last, and whose logits are on the device alone
	sampled int   // when that was, as ran counts
}

var (
	_ runtime.GreedyEngine    = (*Picker)(nil)
	_ runtime.CandidateEngine = (*Picker)(nil)
)

// NewPicker is New for code that has the kernels that choose.
func NewPicker(p *runtime.Program, w runtime.Weights, code func(device.Info) ([]byte, error), d device.Driver, o Options) (*Picker, error) {
	e, err := New(p, w, code, d, o)
	if err != nil {
		return nil, err
	}
	k := &Picker{Engine: e}
	for _, f := range []struct {
		name string
		fn   *device.Function
	}{{pickName, &k.pick}, {boundName, &k.bound}, {bestName, &k.best}} {
		if *f.fn, err = e.ctx.Function(e.module, f.name, 0); err != nil {
			return nil, errors.Join(e.failed(err), e.Close())
		}
	}
	if err := k.setPick(); err != nil {
		return nil, errors.Join(e.failed(err), e.Close())
	}
	return k, nil
}
