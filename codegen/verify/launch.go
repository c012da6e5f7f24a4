package verify

import (
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
	"github.com/llorch/llorch/runtime"
)

// Place is a kernel, and where its source begins.
type Place struct {
	Kernel string `json:"kernel"`
	Source string `json:"source,omitempty"` // kernels.cu:120
}

func (t *target) place(l runtime.Launch) Place {
	return Place{t.program.Kernels[l.Kernel].Name, t.source(l.Kernel)}
}

// at says that a finding is of what a launch writes: the launches of the same node before it had a part in that.
func (t *target) at(f *Finding, step *runtime.Step, launch int) {
	l := step.Launches[launch]
	f.Launch, f.Place, f.Before = launch, t.place(l), nil
	for i := launch - 1; i >= 0 && step.Launches[i].Node == l.Node; i-- {
		f.Before = append(f.Before, t.place(step.Launches[i]))
	}
	slices.Reverse(f.Before)
}

// writes are the values that a launch writes, or has a part in.
func writes(ls []*lower.Launch, i int) []*ir.Node {
	for _, l := range ls[i:] {
		if l.Group != ls[i].Group {
			break
		}
		if len(l.Writes) > 0 {
			return l.Writes
		}
	}
	return nil
}
