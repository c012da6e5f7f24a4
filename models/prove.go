package models

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
)

// prove holds every tensor of the files against the parameter that takes it, and reports each parameter without a tensor,
// tensor without a parameter, type that is not supported and shape that differs. What is the same in several layers is
// one report that lists them.
func prove(m *Model, g *ir.Graph) error {
	p := &proof{m: m, used: map[string]bool{}, byKey: map[string]*finding{}}
	for _, n := range g.Leaves(ir.FromWeights) {
		p.param(n)
	}
	for i := range m.weights.list {
		if t := &m.weights.list[i]; !p.used[t.Name] {
			p.leftover(t)
		}
	}
	var errs []error
	for _, f := range p.found {
		errs = append(errs, f.err())
	}
	return errors.Join(errs...)
}

type proof struct {
	m     *Model
	used  map[string]bool
	found []*finding
	byKey map[string]*finding
}

// finding is one thing wrong, in one layer or in several.
type finding struct {
	diag   *ir.Diag // of a parameter
	text   string   // of a tensor without one
	layers []string
}

func (f *finding) err() error {
	also := ""
	if len(f.layers) > 1 {
		also = "the same in " + layerList(f.layers[1:])
	}
	if f.diag == nil {
		if also != "" {
			also = "; " + also
		}
		return errors.New(f.text + also)
	}
	switch {
	case f.diag.Why == "":
		f.diag.Why = also
	case also != "":
		f.diag.Why += "; " + also
	}
	return ir.Errors{f.diag}
}

// add files a finding under what it is about; one of the same kind in another layer joins the first.
func (p *proof) add(name string, kind string, f *finding) {
	row, layer := splitLayer(name)
	key := kind + " " + row
	if first, ok := p.byKey[key]; ok && layer != "" {
		first.layers = append(first.layers, layer)
		return
	}
	f.layers = []string{layer}
	p.byKey[key] = f
	p.found = append(p.found, f)
}

// param checks the tensor of a parameter.
func (p *proof) param(n *ir.Node) {
	m := p.m
	d := &ir.Diag{Pos: n.Pos, Path: n.Name, Op: n.Op.Name}
	name, err := m.format.fileName(n.Name)
	if err != nil {
		d.What = err.Error()
		p.add(n.Name, "name", &finding{diag: d})
		return
	}
	t, ok := m.weights.tensor(name)
	if !ok {
		d.What = fmt.Sprintf("%s is not in %s", name, m.weights.place)
		d.Rows = []ir.Row{{Label: "graph", Type: n.Type}}
		d.Why = m.whyWanted(n.Name)
		p.add(n.Name, "missing", &finding{diag: d})
		return
	}
	p.used[name] = true
	dtype, supported := t.dtype()
	if !supported {
		e := *d
		e.What = fmt.Sprintf("%s in %s is %s, which is not supported, want %s", name, t.File, t.DType, weightTypes())
		p.add(n.Name, "type "+t.DType, &finding{diag: &e})
		dtype = n.Type.DType
	}
	p.shape(n, d, t, dtype)
}

// shape compares extents axis by axis.
func (p *proof) shape(n *ir.Node, d *ir.Diag, t *TensorInfo, dtype ir.DType) {
	d.What = fmt.Sprintf("%s in %s has another shape", t.Name, t.File)
	kind := fmt.Sprintf("shape %v", t.Shape)
	if len(t.Shape) != len(n.Type.Axes) {
		d.What += fmt.Sprintf(": %v, of %d axes", t.Shape, len(t.Shape))
		d.Rows = []ir.Row{{Label: "graph", Type: n.Type}}
		p.add(n.Name, kind, &finding{diag: d})
		return
	}
	file := ir.Tensor(dtype)
	var facts []fact
	part := p.m.partOf(n.Name, t)
	if part != nil && len(t.Shape) > 0 {
		if part.paths[0] != n.Name {
			return // the first speaks for all
		}
		d.What += fmt.Sprintf(": it holds the %d rows of %s", part.all, strings.Join(part.paths, ", "))
		whole := n.Type
		whole.Axes = slices.Clone(whole.Axes)
		whole.Axes[0].Dim = dim.Const(part.all)
		n = &ir.Node{Name: n.Name, Type: whole}
	}
	for i, a := range n.Type.Axes {
		file.Axes = append(file.Axes, ir.Ax(a.Name, int(t.Shape[i])))
		switch want, _ := a.Dim.Const(); {
		case want == t.Shape[i]:
		case i == 0 && part != nil:
			facts = append(facts, part.facts(p.m)...)
		default:
			facts = append(facts, p.m.axisFacts(a.Name)...)
		}
	}
	if len(facts) > 0 {
		d.Rows = []ir.Row{{Label: "graph", Type: n.Type}, {Label: "file", Type: file}}
		d.Why = p.m.says(facts...)
		p.add(n.Name, kind, &finding{diag: d})
	}
}

// leftover judges a tensor that no parameter takes.
func (p *proof) leftover(t *TensorInfo) {
	m := p.m
	row, _ := splitLayer(t.Name)
	switch row {
	case ropeFreqs, "model.rotary_emb.inv_freq", "model.layers.#.self_attn.rotary_emb.inv_freq":
		return // part of the Config, or computed from it
	}
	paths := m.format.graphPaths(t.Name)
	text := fmt.Sprintf("%s: tensor %s %s%v: nothing in the graph takes it", t.File, t.Name, t.DType, t.Shape)
	switch {
	case len(paths) == 0:
	case paths[0] == "head":
		p.tiedHead(t)
		return
	default:
		text += ": " + m.whyWanted(paths[0])
	}
	p.add(t.Name, "unknown", &finding{text: text})
}

// tiedHead accepts the output projection of a model whose config says that it is the embedding table, if it is.
// transformers drops it unread.
func (p *proof) tiedHead(t *TensorInfo) {
	embed, err := p.m.weight("embed")
	if err != nil {
		return // reported as missing
	}
	w := p.m.weights
	if embed.DType == t.DType && slices.Equal(embed.Shape, t.Shape) &&
		w.data != nil && bytes.Equal(w.data(w.index[embed.Name]), w.data(w.index[t.Name])) {
		return
	}
	p.add(t.Name, "head", &finding{text: fmt.Sprintf("%s: tensor %s %s%v differs from %s %s%v, but %s",
		t.File, t.Name, t.DType, t.Shape, embed.Name, embed.DType, embed.Shape, p.m.says(fact{"tie_word_embeddings", true}))})
}

func weightTypes() string {
	var list []string
	for _, row := range kernel.DTypes {
		if row.Weight && row.Panel == nil {
			list = append(list, row.Name)
		}
	}
	return strings.Join(list, ", ")
}

// layerList is "layers 1 to 4" or "layers 1, 5, 7"; the layers ascend.
func layerList(layers []string) string {
	first, _ := strconv.Atoi(layers[0])
	last, _ := strconv.Atoi(layers[len(layers)-1])
	switch {
	case len(layers) == 1:
		return "layer " + layers[0]
	case last-first == len(layers)-1:
		return fmt.Sprintf("layers %d to %d", first, last)
	}
	return "layers " + strings.Join(layers, ", ")
}
