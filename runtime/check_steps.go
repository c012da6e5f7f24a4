package runtime

import (
	"fmt"

	"github.com/llorch/llorch/ir/kernel"
)

func (p *Program) checkSteps() error {
	seen := make(map[string]bool, len(p.Steps))
	var used int64 // of the arena, which all steps may share
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("step %d: name %q is empty or taken", i, s.Name)
		}
		seen[s.Name] = true
		end, err := p.checkStep(s)
		if err != nil {
			return fmt.Errorf("step %s: %w", s.Name, err)
		}
		used = max(used, end)
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Arena-used > pageSize {
			return fmt.Errorf("step %s: arena of %d bytes, no step uses more than %d", s.Name, s.Arena, used)
		}
	}
	for _, name := range []string{Decode, Prefill} {
		if !seen[name] {
			return fmt.Errorf("there is no step %s", name)
		}
	}
	return nil
}

// checkStep returns the end of the step's last buffer in the arena.
func (p *Program) checkStep(s *Step) (used int64, err error) {
	if s.Arena < 0 || s.Arena > maxArena {
		return 0, fmt.Errorf("arena of %d bytes: want 0 to %d", s.Arena, int64(maxArena))
	}
	for _, ports := range [][]Port{s.Inputs, s.Outputs} {
		for i := range ports {
			end, err := p.checkPort(s, &ports[i])
			if err != nil {
				return 0, fmt.Errorf("port %s: %w", ports[i].Name, err)
			}
			used = max(used, end)
		}
	}
	for i := range s.Launches {
		l := &s.Launches[i]
		end, err := p.checkLaunch(s, l)
		if err != nil {
			return 0, fmt.Errorf("launch %d (%s): %w", i, l.Node, err)
		}
		used = max(used, end)
	}
	return used, nil
}

// checkPort returns the end of the port in the arena when each of its extents is greatest.
func (p *Program) checkPort(s *Step, port *Port) (end int64, err error) {
	d, ok := kernel.ParseDType(port.DType)
	if !ok {
		return 0, fmt.Errorf("dtype %q is unknown", port.DType)
	}
	elems := int64(1)
	for i, a := range port.Shape {
		if err := p.checkAffine(a); err != nil {
			return 0, fmt.Errorf("axis %d: %w", i, err)
		}
		n, err := p.greatest(s, a)
		if err != nil {
			return 0, fmt.Errorf("axis %d: %w", i, err)
		}
		if n > 0 && elems > maxArena/n {
			return 0, fmt.Errorf("axis %d: more than %d elements", i, int64(maxArena))
		}
		elems *= n
	}
	row := d.Row()
	bytes := elems * int64(row.Bytes) / int64(row.Elems)
	if err := s.holds(port.Offset, bytes); err != nil {
		return 0, err
	}
	return port.Offset + bytes, nil
}

// greatest is the largest value of an extent in a step: an affine value has it in a corner of what the symbols allow.
func (p *Program) greatest(s *Step, a Affine) (int64, error) {
	most := int64(p.Chunk)
	if s.Name == Decode {
		most = 1
	}
	var greatest int64
	symbols := make([]int64, len(p.Symbols))
	for _, corner := range [][2]int64{{1, 0}, {1, int64(p.Context) - 1}, {most, 0}, {most, int64(p.Context) - most}} {
		symbols[0], symbols[1] = corner[0], corner[1]
		n := a.Eval(symbols)
		if n < 0 {
			return 0, fmt.Errorf("%d elements for %d new tokens after %d", n, corner[0], corner[1])
		}
		greatest = max(greatest, n)
	}
	return greatest, nil
}

// checkLaunch returns the end of the launch's buffers in the arena.
func (p *Program) checkLaunch(s *Step, l *Launch) (end int64, err error) {
	if l.Kernel < 0 || l.Kernel >= len(p.Kernels) {
		return 0, fmt.Errorf("kernel %d of %d", l.Kernel, len(p.Kernels))
	}
	for i := range l.Ints {
		if err := p.checkAffine(l.Ints[i]); err != nil {
			return 0, fmt.Errorf("integer %d: %w", i, err)
		}
	}
	for i := range l.Bufs {
		r := &l.Bufs[i]
		if err := p.checkRef(s, r); err != nil {
			return 0, fmt.Errorf("buffer %d: %w", i, err)
		}
		if r.Space == Arena {
			end = max(end, r.Offset+r.Bytes)
		}
	}
	return end, nil
}

func (p *Program) checkRef(s *Step, r *Ref) error {
	if _, ok := kernel.ParseDType(r.DType); !ok {
		return fmt.Errorf("dtype %q is unknown", r.DType)
	}
	n := 0
	switch r.Space {
	case Arena:
		return s.holds(r.Offset, r.Bytes)
	case Weight:
		n = len(p.Weights)
	case State:
		n = len(p.States)
	default:
		return fmt.Errorf("space %q: want %s, %s or %s", r.Space, Arena, Weight, State)
	}
	if r.Index < 0 || r.Index >= n {
		return fmt.Errorf("%s %d of %d", r.Space, r.Index, n)
	}
	return nil
}

// holds reports whether n bytes at offset lie in the arena.
func (s *Step) holds(offset, n int64) error {
	if offset < 0 || n < 0 || offset > s.Arena || n > s.Arena-offset {
		return fmt.Errorf("%d bytes at %d, the arena has %d", n, offset, s.Arena)
	}
	return nil
}

func (p *Program) checkAffine(a Affine) error {
	if len(a.Coef) > len(p.Symbols) {
		return fmt.Errorf("%d coefficients for %d symbols", len(a.Coef), len(p.Symbols))
	}
	for _, k := range append([]int64{a.Const}, a.Coef...) {
		if k < -maxCoef || k > maxCoef {
			return fmt.Errorf("coefficient %d: want %d to %d", k, int64(-maxCoef), int64(maxCoef))
		}
	}
	return nil
}
