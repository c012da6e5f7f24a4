package models

import (
	"fmt"
	"slices"
	"strings"
)

// part is where a weight lies in a tensor that holds several, one above the other in the order of the table of names.
type part struct {
	path             string
	first, rows, all int64
	paths            []string // of all of them
}

// partOf is nil for a tensor of one weight.
func (m *Model) partOf(path string, t *TensorInfo) *part {
	paths := m.format.graphPaths(t.Name)
	if len(paths) < 2 {
		return nil
	}
	p := &part{path: path, paths: paths}
	for _, other := range paths {
		if other == path {
			p.first, p.rows = p.all, m.rows(other)
		}
		p.all += m.rows(other)
	}
	return p
}

// rowAxis is the axis that the rows of a projection lie along.
func rowAxis(path string) string {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "wq", "bq":
		return "heads"
	case "wk", "wv", "bk", "bv":
		return "kv_heads"
	case "wgate", "wup", "bgate", "bup":
		return "ffn"
	}
	return "embd"
}

// rows is how many rows a projection has.
func (c *Config) rows(path string) int64 {
	switch rowAxis(path) {
	case "heads":
		return int64(c.Heads) * int64(c.HeadDim)
	case "kv_heads":
		return int64(c.KVHeads) * int64(c.HeadDim)
	case "ffn":
		return int64(c.FFN)
	}
	return int64(c.Embd)
}

// facts are the keys that the rows of all of them come from.
func (p *part) facts(m *Model) (all []fact) {
	for _, path := range p.paths {
		for _, f := range m.axisFacts(rowAxis(path)) {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// of cuts the part out of a tensor's bytes.
func (p *part) of(data []byte, t *TensorInfo) ([]byte, error) {
	if len(t.Shape) == 0 || t.Shape[0] != p.all {
		return nil, fmt.Errorf("%s: tensor %s has shape %v, want the %d rows of %s", t.File, t.Name, t.Shape, p.all, strings.Join(p.paths, ", "))
	}
	row := int64(len(data)) / p.all
	return data[p.first*row : (p.first+p.rows)*row : (p.first+p.rows)*row], nil
}
