package html

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
)

//go:embed assets
var assets embed.FS

// scripts are run in this order, as one.
var scripts = []string{"eval.js", "model.js", "card.js", "tree.js", "edges.js", "arena.js", "main.js"}

var page = template.Must(template.ParseFS(assets, "assets/page.html"))

// Render writes the page.
func (p *Page) Render(w io.Writer) error {
	data, err := p.json()
	if err != nil {
		return err
	}
	script := "'use strict';\n" + string(concat(scripts...))
	sum := sha256.Sum256([]byte(script))
	return page.Execute(w, map[string]any{
		"Title":  p.title,
		"Style":  template.CSS(concat("style.css")),
		"Script": template.JS(script),
		"Hash":   base64.StdEncoding.EncodeToString(sum[:]),
		"Data":   template.JS(data), // JSON escapes <, > and & in strings
		"Faults": p.faults,
		"Failed": p.failed,
	})
}

// json is the page's data.
func (p *Page) json() ([]byte, error) {
	j := pageJSON{
		Title: p.title, Symbols: p.syms, Stages: p.stages, Faults: []faultJSON{},
		Strings: p.t.strings.rows, Dims: p.t.dims.rows, DTypes: p.t.dtypes.rows, Ops: p.t.ops.rows, Types: p.t.types.rows,
		Nodes: p.t.nodes.rows, Bodies: p.t.bodies.rows, Kernels: p.t.kernels.rows,
	}
	for _, f := range p.faults {
		j.Faults = append(j.Faults, f.json)
	}
	return json.Marshal(j)
}

// concat is the text of assets, one after another.
func concat(names ...string) []byte {
	var b bytes.Buffer
	for _, n := range names {
		text, err := assets.ReadFile("assets/" + n)
		if err != nil {
			panic(err) // the list above is of what is embedded
		}
		b.Write(text)
	}
	return b.Bytes()
}
