package verify

import (
	"context"
	"regexp"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/runtime"
)

// failed reports whether a session did.
func (t *target) failed() bool {
	return slices.ContainsFunc(t.report.Sessions, func(s Session) bool { return !s.Passed })
}

// everywhere looks for the node that makes a session fail where all steps were right. A kernel may be wrong at some positions alone, as
// where a tile of keys begins, or at some numbers of tokens: the steps have a few of them, sessions more. So the tokens run once more,
// watched, in chunks of the same sizes, up to the first value that is wrong. If none is, it is the sessions that are.
func (t *target) everywhere(ctx context.Context) error {
	ids := t.ref.sequence[:len(t.ref.rows)]
	for _, n := range t.sizes(len(ids)) {
		chunks := slices.Collect(slices.Chunk(ids, n))
		for _, step := range []string{runtime.Prefill, runtime.Logits} {
			if n == 1 && step == runtime.Prefill {
				step = runtime.Decode
			}
			if err := t.chunk(ctx, step, chunks); err != nil || len(t.report.Findings) > 0 {
				return err
			}
		}
	}
	return nil
}

// chunk runs a sequence, watched, up to the first finding.
func (t *target) chunk(ctx context.Context, step string, chunks [][]int32) (err error) {
	state := map[string]*ir.Array{}
	t.states[0], t.unrounded[0] = map[string]*ir.Array{}, map[string]*ir.Array{}
	if t.caches[0], err = t.Engine.NewCache(); err != nil {
		t.lost(err)
		return nil
	}
	past := 0
	for _, ids := range chunks {
		c := &call{step: step, past: past, tokens: ids}
		if err := t.ref.evaluate(ctx, c, state); err != nil {
			return err
		}
		t.ref.opt.Progress(t.program.Target + ": " + c.String())
		if err := t.step(ctx, c); err != nil || len(t.report.Findings) > 0 {
			return err
		}
		past += len(ids)
	}
	return nil
}

// lost reports a device that a session has lost, and the kernel that its error names.
func (t *target) lost(err error) {
	f := Finding{Of: OfEngine, Step: "session", Message: err.Error()}
	for i, g := range t.Compiled.Module.Graphs {
		step := &t.program.Steps[i]
		for j, l := range step.Launches {
			k, ns := t.program.Kernels[l.Kernel].Name, writes(t.Compiled.Module.Lowered[g], j)
			if f.Node != "" || len(ns) == 0 || !regexp.MustCompile(`\b`+regexp.QuoteMeta(k)+`\b`).MatchString(f.Message) {
				continue
			}
			t.at(&f, step, j)
			n := ns[0]
			f.Node, f.Layer, f.Op, f.Type, f.Declared = n.Name, layerOf(n.Name), n.Op.Name, n.Type.String(), n.Pos.String()
		}
	}
	t.report.Findings = append(t.report.Findings, f)
}
