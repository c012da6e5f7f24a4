package passes

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/passes/lower"
)

// Plan places a graph's intermediates in one arena.
type Plan struct {
	Slots []Slot
	Arena int64 // bytes: the peak
	Sum   int64 // bytes without any reuse
}

// Slot is the place of a value, which lives from launch First to launch Last.
type Slot struct {
	Node          *ir.Node
	Offset, Bytes int64
	First, Last   int
}

// Slot returns the place of a value.
func (p *Plan) Slot(n *ir.Node) (Slot, bool) {
	i := slices.IndexFunc(p.Slots, func(s Slot) bool { return s.Node == n })
	if i < 0 {
		return Slot{}, false
	}
	return p.Slots[i], true
}

// arenaAlign keeps rows of floats on cache lines, and offsets valid for every device's vector loads.
const arenaAlign = 256

func plan(m *Module) error {
	m.Plans = map[*ir.Graph]*Plan{}
	for _, g := range m.Graphs {
		p, err := planGraph(g, m.Lowered[g])
		if err != nil {
			return err
		}
		m.Plans[g] = p
	}
	return nil
}

// planGraph gives each value the lowest place that is free for as long as it lives, in order of birth. Inputs live from the
// start and outputs to the end, so that a caller can write and read them between steps.
func planGraph(g *ir.Graph, ls []*lower.Launch) (*Plan, error) {
	p := &Plan{}
	slots, err := lifetimes(g, ls)
	if err != nil {
		return nil, err
	}
	for _, s := range slots {
		s.Offset = lowest(p.Slots, s)
		p.Slots = append(p.Slots, s)
		p.Arena = max(p.Arena, align(s.Offset+s.Bytes))
		p.Sum += align(s.Bytes)
	}
	return p, nil
}

// lifetimes lists the values that need a place, in order of birth.
func lifetimes(g *ir.Graph, ls []*lower.Launch) ([]Slot, error) {
	at := map[*ir.Node]int{}
	var slots []Slot
	touch := func(n *ir.Node, launch int) error {
		i, ok := at[n]
		if !ok {
			size, err := bytes(g, n)
			if err != nil {
				return err
			}
			i = len(slots)
			at[n] = i
			slots = append(slots, Slot{Node: n, Bytes: size, First: launch})
		}
		slots[i].Last = launch
		return nil
	}
	for _, n := range g.Leaves(ir.FromCaller) {
		if err := touch(n, 0); err != nil {
			return nil, err
		}
	}
	for i, l := range ls {
		for _, n := range l.Bufs {
			if !inArena(n) {
				continue
			}
			if err := touch(n, i); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range g.Outputs {
		if s := lower.Storage(o); inArena(s) {
			if err := touch(s, len(ls)); err != nil {
				return nil, err
			}
		}
	}
	return slots, nil
}

// inArena reports a value that a step computes or is given, as opposed to weights and states.
func inArena(n *ir.Node) bool {
	return n.Op.Source == ir.Computed || n.Op.Source == ir.FromCaller
}

// bytes is the most memory that a value takes under the graph's bounds.
func bytes(g *ir.Graph, n *ir.Node) (int64, error) {
	var shape []int64
	size := int64(4)
	for _, a := range n.Type.Axes {
		v, ok := g.Bounds.Max(a.Dim)
		if !ok {
			return 0, fmt.Errorf("plan: %s: axis %s of %s has no upper bound, so no memory can be planned\n    hint: add a bound, such as %s <= 4096",
				n.Pos, a.Name, n.Name, a.Dim)
		}
		if v > 0 && size > (1<<50)/v {
			return 0, fmt.Errorf("plan: %s: %s %s is too large to plan", n.Pos, n.Name, n.Type)
		}
		size *= v
		shape = append(shape, v)
	}
	if len(shape) == 0 {
		shape = []int64{1}
	}
	return lower.MemoryType(n).MatrixBytes(shape...)
}

// lowest is the lowest offset at which s meets no slot that lives at the same time.
func lowest(slots []Slot, s Slot) int64 {
	var busy []Slot
	for _, o := range slots {
		if o.First <= s.Last && s.First <= o.Last {
			busy = append(busy, o)
		}
	}
	slices.SortFunc(busy, func(a, b Slot) int { return int(a.Offset - b.Offset) })
	off := int64(0)
	for _, o := range busy {
		if o.Offset >= off+s.Bytes {
			break
		}
		off = max(off, align(o.Offset+o.Bytes))
	}
	return off
}

// align rounds up to where a slot may begin.
func align(n int64) int64 { return (n + arenaAlign - 1) / arenaAlign * arenaAlign }
