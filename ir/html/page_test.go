package html

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/passes"
	"github.com/llorch/llorch/passes/lower"
)

// small is a Llama of few layers.
func small(layers int) models.Config {
	return models.Config{
		Vocab: 96, Embd: 64, Layers: layers, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 128, Context: 512, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 16, Style: "half"},
	}
}

// drawn is the page of a model with every pass.
func drawn(t testing.TB, c models.Config) *Page { return drawnAnd(t, c, func(Stage) {}) }

// drawnAnd has see look at each stage as it is added.
func drawnAnd(t testing.TB, c models.Config, see func(Stage)) *Page {
	g := models.Llama(c, models.Options{KV: kernel.F16, Weight: func(path string) ir.DType {
		if strings.Contains(path, "norm") {
			return kernel.F32
		}
		return kernel.Q80
	}})
	require.NoError(t, ir.Verify(g))
	p := New("small")
	add := func(s Stage) { p.Add(s); see(s) }
	add(Stage{Name: "declared", Graphs: []Graph{{Graph: g}}})
	m := &passes.Module{Graphs: []*ir.Graph{g}, Chunk: passes.Chunk(g, 0), Sched: lower.CPU}
	require.NoError(t, passes.Run(m, "", func(pass string, m *passes.Module) error { add(staged(pass, m)); return nil }))
	return p
}

func staged(pass string, m *passes.Module) Stage {
	s := Stage{Name: pass}
	for _, g := range m.Graphs {
		h := Graph{Graph: g}
		for _, l := range m.Lowered[g] {
			h.Launches = append(h.Launches, Launch{l.Group, l.Kernel})
		}
		if p := m.Plans[g]; p != nil {
			h.Arena = &Arena{Bytes: p.Arena, Sum: p.Sum}
			for _, s := range p.Slots {
				h.Arena.Slots = append(h.Arena.Slots, Slot{s.Node, lower.MemoryType(s.Node), s.Offset, s.Bytes, s.First, s.Last})
			}
		}
		s.Graphs = append(s.Graphs, h)
	}
	return s
}

// outline is what the page should know of a graph, as text.
func outline(g Graph, names map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %s: %s\n", g.Name, fmt.Sprint(g.Bounds.Constraints()))
	nodes, _ := inOrder(g.Graph)
	for _, n := range nodes {
		group := ""
		if n.Group != nil {
			group = n.Group.Name + " " + n.Group.Role.String()
		}
		fmt.Fprintf(&b, "%s | %s\n", n, group)
	}
	for _, l := range g.Launches {
		key := l.Kernel.Key()
		names[key] = cmp.Or(names[key], l.Kernel.Name)
		fmt.Fprintf(&b, "launch %s: %s\n", l.Group.Name, names[key])
	}
	if g.Arena != nil {
		fmt.Fprintf(&b, "arena %d %d\n", g.Arena.Bytes, g.Arena.Sum)
		for _, s := range g.Arena.Slots {
			fmt.Fprintf(&b, "slot %s %s %d %d %d %d\n", s.Node.Name, s.DType, s.Offset, s.Bytes, s.First, s.Last)
		}
	}
	return b.String()
}

// TestRoundTrip reads every stage back from the page's JSON, and finds in it what the graphs were when they were added.
func TestRoundTrip(t *testing.T) {
	var want []string
	names := map[string]string{} // equal kernels have the first one's name
	p := drawnAnd(t, small(3), func(s Stage) {
		for _, g := range s.Graphs {
			want = append(want, outline(g, names))
		}
	})
	j := decoded(t, p)
	for _, s := range j.Stages {
		for _, g := range s.Graphs {
			was, is := strings.Split(want[0], "\n"), strings.Split(j.outline(g), "\n")
			require.Len(t, is, len(was), s.Name)
			for i := range was {
				require.Equal(t, was[i], is[i], s.Name)
			}
			want = want[1:]
		}
	}
	require.Empty(t, want)
}

func (n *num) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = num(v)
	return err
}

func decoded(t testing.TB, p *Page) *pageJSON {
	data, err := p.json()
	require.NoError(t, err)
	var j pageJSON
	require.NoError(t, json.Unmarshal(data, &j))
	return &j
}

func (j *pageJSON) dim(i int) dim.Dim {
	integer := func(v any) int64 {
		if s, ok := v.(string); ok {
			n, _ := strconv.ParseInt(s, 10, 64)
			return n
		}
		return int64(v.(float64))
	}
	row := j.Dims[i]
	d := dim.Const(integer(row[0]))
	for k := 1; k < len(row); k += 2 {
		d = d.Add(dim.Sym(row[k].(string)).Mul(integer(row[k+1])))
	}
	return d
}

func (j *pageJSON) typ(i int) ir.Type {
	row := j.Types[i]
	t := ir.Type{State: row[1] == 1}
	t.DType, _ = kernel.ParseDType(j.DTypes[row[0]][0].(string))
	if row[2] >= 0 {
		d := j.dim(row[2])
		t.From = &d
	}
	for k := 3; k < len(row); k += 2 {
		t.Axes = append(t.Axes, ir.Axis{Name: j.Strings[row[k]], Dim: j.dim(row[k+1])})
	}
	return t
}

func (j *pageJSON) node(row []int) string {
	s := j.Strings[row[0]]
	if t := j.typ(row[2]); t.Valid() {
		s += ": " + t.String()
	}
	var in []string
	for _, i := range row[5:] {
		in = append(in, j.Strings[i])
	}
	s += " = " + j.Ops[row[1]][0].(string) + "(" + strings.Join(in, ", ") + ")"
	if a := j.Strings[row[3]]; a != "" {
		s += " {" + a + "}"
	}
	return s + " @" + j.Strings[row[4]]
}

func (j *pageJSON) outline(g graphJSON) string {
	var b strings.Builder
	body := j.Bodies[g.Body]
	var bounds []string
	for _, c := range body.Bounds {
		bounds = append(bounds, fmt.Sprintf("%s %s %s", j.dim(int(c[0].(float64))), c[1], j.dim(int(c[2].(float64)))))
	}
	fmt.Fprintf(&b, "graph %s: [%s]\n", body.Name, strings.Join(bounds, " "))
	var nodes []int
	for i := 0; i < len(body.Nodes); i += 2 {
		for k := range body.Nodes[i+1] {
			nodes = append(nodes, body.Nodes[i]+k)
		}
	}
	group := make([]string, len(nodes))
	for _, gr := range body.Groups {
		for k := range gr[3] {
			group[gr[2]+k] = j.Strings[gr[0]] + " " + j.Strings[gr[1]]
		}
	}
	for i, n := range nodes {
		fmt.Fprintf(&b, "%s | %s\n", j.node(j.Nodes[n]), group[i])
	}
	for _, l := range g.Launches {
		fmt.Fprintf(&b, "launch %s: %s\n", j.Strings[body.Groups[l[0]][0]], j.Strings[j.Kernels[l[1]][0]])
	}
	if g.Arena != nil {
		fmt.Fprintf(&b, "arena %d %d\n", g.Arena.Bytes, g.Arena.Sum)
		for _, s := range g.Arena.Slots {
			fmt.Fprintf(&b, "slot %s %s %.0f %.0f %.0f %.0f\n", j.Strings[int(s[0].(float64))], j.DTypes[int(s[1].(float64))][0], s[2], s[3], s[4], s[5])
		}
	}
	return b.String()
}

func rendered(t testing.TB, p *Page) string {
	var b bytes.Buffer
	require.NoError(t, p.Render(&b))
	return b.String()
}

// TestShared: what a pass leaves alone costs nothing, nor does a layer more than its own names.
func TestShared(t *testing.T) {
	p := drawn(t, small(2))
	j := decoded(t, p)
	require.Len(t, j.Stages, 1+len(passes.Pipeline))
	require.Equal(t, j.Stages[0].Graphs[0].Body, j.Stages[1].Graphs[0].Body, "infer changes nothing")
	last := len(j.Stages) - 1
	for i := range j.Stages[last].Graphs {
		require.Equal(t, j.Stages[last].Graphs[i].Body, j.Stages[last-2].Graphs[i].Body, "lower and plan leave the graph alone")
	}
	big := drawn(t, small(34))
	perLayer := (len(rendered(t, big)) - len(rendered(t, p))) / 32
	require.Less(t, perLayer, 8<<10, "bytes a layer")
	t.Logf("%d bytes a layer", perLayer)
}

// TestSelfContained: the page asks for nothing, and its policy allows its own script alone.
func TestSelfContained(t *testing.T) {
	p := drawn(t, small(1))
	html := rendered(t, p)
	text := strings.ReplaceAll(html, svgNamespace, "")
	for _, bad := range []string{"http:", "https:", "src=", "url(", "@import", "fetch(", "XMLHttp", "import(", "<link", "<iframe"} {
		require.NotContains(t, text, bad)
	}
	script := between(t, html, "<script>", "</script>")
	sum := sha256.Sum256([]byte(script))
	policy := strings.ReplaceAll(between(t, html, `Content-Security-Policy" content="`, `">`), "&#43;", "+")
	require.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", policy)
}

const svgNamespace = "http://www.w3.org/2000/svg"

func between(t testing.TB, s, from, to string) string {
	_, s, ok := strings.Cut(s, from)
	require.True(t, ok, from)
	s, _, ok = strings.Cut(s, to)
	require.True(t, ok, to)
	return s
}

// TestNoMarkupFromText: the scripts have no way to make markup or code of text.
func TestNoMarkupFromText(t *testing.T) {
	script := string(concat(scripts...))
	for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "srcdoc", "createContextualFragment", "DOMParser", "</script", "<!--"} {
		require.NotContains(t, script, bad)
	}
	require.NotContains(t, string(concat("style.css")), "</style")
}

// hostile is what a file's names may try.
var hostile = []string{
	`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `<!--<script>`, "\u2028\u2029\x00\xff", `{{.Title}}`, `';alert(1)//`, `javascript:alert(1)`,
}

// hostilePage has them wherever a page has text.
func hostilePage() *Page {
	p := New(strings.Join(hostile, " "))
	g := ir.New(hostile[0], op.Table)
	var last *ir.Node
	for i, h := range hostile {
		n := &ir.Node{
			Name: h, Op: &ir.Op{Name: h, Doc: h, Args: []string{h}, Attrs: []ir.AttrSpec{{Name: h, Kind: ir.AttrWord}}}, Attrs: ir.Attrs{h: h},
			Type: ir.Tensor(kernel.F32, ir.Ax(h, i+1)), Pos: ir.Position{File: h, Line: 1},
		}
		if last != nil {
			n.In = []*ir.Node{last}
		}
		gr := &ir.Group{Name: h, Nodes: []*ir.Node{n}}
		n.Group = gr
		g.Nodes, g.Groups, last = append(g.Nodes, n), append(g.Groups, gr), n
	}
	h := Graph{Graph: g, Arena: &Arena{Bytes: 256, Sum: 256}}
	for _, gr := range g.Groups {
		h.Launches = append(h.Launches, Launch{gr, &kernel.Kernel{Name: gr.Name, Doc: []string{gr.Name}}})
		h.Arena.Slots = append(h.Arena.Slots, Slot{Node: gr.Nodes[0], DType: kernel.F32, Bytes: 4})
	}
	p.Add(Stage{Name: hostile[0], Doc: hostile[1], Graphs: []Graph{h}})
	for i, s := range hostile {
		p.Fail(ir.Errors{{Pos: g.Nodes[i].Pos, Path: s, Op: s, What: s, Why: s, Hint: s, Rows: []ir.Row{{Label: s, Type: g.Nodes[i].Type}}}})
	}
	p.failed = strings.Join(hostile, " ")
	return p
}

// TestHostileNames: whatever a file calls its tensors, the page's tags are the template's.
func TestHostileNames(t *testing.T) {
	html := rendered(t, hostilePage())
	require.Equal(t, 2, strings.Count(html, "<script"), "the data and the program")
	require.Equal(t, 2, strings.Count(html, "</script"))
	tags := map[string]bool{}
	for _, m := range regexp.MustCompile(`<([a-z0-9]+)`).FindAllStringSubmatch(strings.ReplaceAll(html, string(concat(scripts...)), ""), -1) {
		tags[m[1]] = true
	}
	require.NotContains(t, tags, "img")
	require.NotContains(t, tags, "svg")
	var j pageJSON
	data := between(t, html, `id="data">`, "</script>")
	require.NotContains(t, data, "<")
	require.NoError(t, json.Unmarshal([]byte(data), &j))
	require.Contains(t, j.Strings, hostile[0], "told as it is")
}

// TestSeed is the page of the program of the seed's bug report.
func TestSeed(t *testing.T) {
	html := rendered(t, seedPage(t))
	fault := between(t, html, `<section class="fault"`, "</section>")
	for _, want := range []string{"layers.0.attn.masked: add: axis kv differs [add.2]", "seed.ir:35", `<th class="bad">kv</th>`, "<span>P&#43;S</span>", "<span>S</span>", "with S=5, P=2: 5 against 7", "build it over kv=P&#43;S"} {
		require.Contains(t, fault, want)
	}
	j := decoded(t, seedPage(t))
	require.Equal(t, []faultJSON{{Node: "layers.0.attn.masked", In: []string{"layers.0.attn.scores", "mask"}, Axes: []string{"kv"}, What: "axis kv differs", Text: j.Faults[0].Text}}, j.Faults)
	require.Equal(t, []symbolJSON{{"S", "new tokens", 1, 2048, 5}, {"P", "past tokens", 0, 2047, 2}}, j.Symbols)
}

func BenchmarkPage(b *testing.B) {
	for b.Loop() {
		p := drawn(b, small(22))
		b.ReportMetric(float64(len(rendered(b, p))), "bytes")
	}
}
