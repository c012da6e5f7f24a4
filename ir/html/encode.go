package html

import (
	"encoding/json"
	"strconv"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// num is an integer that JavaScript reads exactly: past 2^53 as a string.
type num int64

func (n num) MarshalJSON() ([]byte, error) {
	const exact = 1 << 53
	if s := strconv.FormatInt(int64(n), 10); n < -exact || n > exact {
		return []byte(`"` + s + `"`), nil
	} else {
		return []byte(s), nil
	}
}

// pageJSON is all that the scripts read.
type pageJSON struct {
	Title   string       `json:"title"`
	Symbols []symbolJSON `json:"symbols"`
	Strings []string     `json:"strings"`
	Dims    [][]any      `json:"dims"`   // offset, then symbols with their coefficients
	DTypes  [][]any      `json:"dtypes"` // name, elements a block, rows a block, bytes a block
	Ops     [][]any      `json:"ops"`    // name, class, source, doc, operands
	Types   [][]int      `json:"types"`  // dtype, 1 for a state, first position's dim or -1, then axes: string, dim
	Nodes   [][]int      `json:"nodes"`  // name, op, type, attributes, position, names of the operands
	Bodies  []bodyJSON   `json:"bodies"`
	Kernels [][2]int     `json:"kernels"` // name, text
	Stages  []stageJSON  `json:"stages"`
	Faults  []faultJSON  `json:"faults"`
}

type symbolJSON struct {
	Name  string `json:"name"`
	Doc   string `json:"doc"`
	Min   num    `json:"min"`
	Max   num    `json:"max"`
	Value num    `json:"value"`
}

type stageJSON struct {
	Name   string      `json:"name"`
	Doc    string      `json:"doc"`
	Graphs []graphJSON `json:"graphs"`
}

// graphJSON is a graph at a stage. What a pass leaves alone is told once: stages share bodies.
type graphJSON struct {
	Body     int        `json:"body"`
	Launches [][2]int   `json:"launches,omitempty"` // group, kernel
	Arena    *arenaJSON `json:"arena,omitempty"`
}

// bodyJSON is a graph without what is derived of it.
type bodyJSON struct {
	Name    string   `json:"name"`
	Bounds  [][3]any `json:"bounds"` // dim, relation, dim
	Step    []int    `json:"step"`   // dims: new, past
	Nodes   []int    `json:"nodes"`  // runs of indices: first, length
	Groups  [][4]int `json:"groups"` // name, role, first of nodes, length
	Outputs []int    `json:"outputs"`
}

type arenaJSON struct {
	Bytes num     `json:"bytes"`
	Sum   num     `json:"sum"`
	Slots [][]any `json:"slots"` // name, dtype, offset, bytes, first, last
}

// interned is a table whose rows are each kept once.
type interned[R any] struct {
	rows []R
	at   map[string]int
}

// index is the row's place, under a key that tells it from others.
func (t *interned[R]) index(key string, row func() R) int {
	i, ok := t.at[key]
	if !ok {
		if t.at == nil {
			t.at = map[string]int{}
		}
		i = len(t.rows)
		t.at[key] = i
		t.rows = append(t.rows, row())
	}
	return i
}

// tables are the parts that stages share.
type tables struct {
	strings interned[string]
	dims    interned[[]any]
	dtypes  interned[[]any]
	ops     interned[[]any]
	types   interned[[]int]
	nodes   interned[[]int]
	kernels interned[[2]int]
	known   map[*kernel.Kernel]int // of kernels, those that were seen before
	bodies  interned[bodyJSON]
}

func newTables() *tables {
	t := &tables{known: map[*kernel.Kernel]int{}}
	t.str("")
	return t
}

func (t *tables) str(s string) int { return t.strings.index(s, func() string { return s }) }

func (t *tables) dim(d dim.Dim) int {
	return t.dims.index(d.String(), func() []any {
		row := []any{num(d.Offset())}
		for _, s := range d.Symbols() {
			row = append(row, s, num(d.Coef(s)))
		}
		return row
	})
}

func (t *tables) dtype(d kernel.DType) int {
	return t.dtypes.index(d.String(), func() []any {
		if r := d.Row(); r != nil {
			return []any{r.Name, r.Elems, r.Rows, r.Bytes}
		}
		return []any{"invalid", 1, 1, 0}
	})
}

// sources are what the page calls where a leaf's elements come from.
var sources = map[ir.Source]string{ir.FromWeights: "weight", ir.FromCaller: "input", ir.FromCompiler: "constant", ir.FromSession: "state", ir.FromStep: "step"}

func (t *tables) op(o *ir.Op) int {
	return t.ops.index(o.Name, func() []any {
		args := o.Args
		if args == nil {
			args = []string{}
		}
		return []any{o.Name, o.Class.String(), sources[o.Source], o.Doc, args}
	})
}

func (t *tables) typ(ty ir.Type) int {
	return t.types.index(ty.String(), func() []int {
		row := []int{t.dtype(ty.DType), 0, -1}
		if ty.State {
			row[1] = 1
		}
		if ty.From != nil {
			row[2] = t.dim(*ty.From)
		}
		for _, a := range ty.Axes {
			row = append(row, t.str(a.Name), t.dim(a.Dim))
		}
		return row
	})
}

func (t *tables) node(n *ir.Node) int {
	row := []int{t.str(n.Name), t.op(n.Op), t.typ(n.Type), t.str(n.AttrString()), t.str(n.Pos.String())}
	for _, in := range n.In {
		if in == nil {
			row = append(row, t.str("?"))
			continue
		}
		row = append(row, t.str(in.Name))
	}
	var key []byte
	for _, i := range row {
		key = append(strconv.AppendInt(key, int64(i), 36), ' ')
	}
	return t.nodes.index(string(key), func() []int { return row })
}

func (t *tables) graph(g Graph) graphJSON {
	j := graphJSON{Body: t.body(g.Graph)}
	at := map[*ir.Group]int{}
	for i, gr := range g.Groups {
		at[gr] = i
	}
	for _, l := range g.Launches {
		j.Launches = append(j.Launches, [2]int{at[l.Group], t.kernel(l.Kernel)})
	}
	if g.Arena != nil {
		j.Arena = &arenaJSON{Bytes: num(g.Arena.Bytes), Sum: num(g.Arena.Sum), Slots: [][]any{}}
		for _, s := range g.Arena.Slots {
			j.Arena.Slots = append(j.Arena.Slots, []any{t.str(s.Node.Name), t.dtype(s.DType), num(s.Offset), num(s.Bytes), s.First, s.Last})
		}
	}
	return j
}

// kernel is the place of a kernel, or of one that is equal but for its name.
func (t *tables) kernel(k *kernel.Kernel) int {
	i, ok := t.known[k]
	if !ok {
		i = t.kernels.index(k.Key(), func() [2]int { return [2]int{t.str(k.Name), t.str(k.String())} })
		t.known[k] = i
	}
	return i
}

func (t *tables) body(g *ir.Graph) int {
	j := bodyJSON{Name: g.Name, Bounds: [][3]any{}, Step: []int{}, Nodes: []int{}, Groups: [][4]int{}, Outputs: []int{}}
	for _, c := range g.Bounds.Constraints() {
		j.Bounds = append(j.Bounds, [3]any{t.dim(c.L), c.Op, t.dim(c.R)})
	}
	if g.Step != nil {
		j.Step = []int{t.dim(g.Step.New), t.dim(g.Step.Past)}
	}
	nodes, first := inOrder(g)
	for i, n := range nodes {
		j.add(t.node(n))
		if n.Group != nil && first[n.Group] == i {
			j.Groups = append(j.Groups, [4]int{t.str(n.Group.Name), t.str(n.Group.Role.String()), i, len(n.Group.Nodes)})
		}
	}
	for _, o := range g.Outputs {
		if o != nil {
			j.Outputs = append(j.Outputs, t.str(o.Name))
		}
	}
	key, err := json.Marshal(j)
	if err != nil {
		panic(err) // strings and integers
	}
	return t.bodies.index(string(key), func() bodyJSON { return j })
}

// add appends an index to the runs.
func (j *bodyJSON) add(i int) {
	if n := len(j.Nodes); n > 0 && j.Nodes[n-2]+j.Nodes[n-1] == i {
		j.Nodes[n-1]++
		return
	}
	j.Nodes = append(j.Nodes, i, 1)
}

// inOrder lists the nodes as they are read best: groups in execution order, each whole, and leaves before the first that
// needs them; and where each group begins.
func inOrder(g *ir.Graph) (nodes []*ir.Node, first map[*ir.Group]int) {
	first = map[*ir.Group]int{}
	if len(g.Groups) == 0 {
		return g.Nodes, first
	}
	done := map[*ir.Node]bool{}
	add := func(n *ir.Node) {
		if !done[n] {
			done[n] = true
			nodes = append(nodes, n)
		}
	}
	for _, gr := range g.Groups {
		for _, n := range gr.Nodes {
			for _, in := range n.In {
				if in != nil && in.Group == nil {
					add(in)
				}
			}
		}
		first[gr] = len(nodes)
		for _, n := range gr.Nodes {
			add(n)
		}
	}
	for _, n := range g.Nodes {
		add(n)
	}
	return nodes, first
}
