package html

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/dim"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
)

// node runs a program after the page's scripts but the last, which needs a document. The program reads input and returns what
// becomes got.
func node(t *testing.T, program string, input, got any) {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node, to run the page's scripts")
	}
	in, err := json.Marshal(input)
	require.NoError(t, err)
	script := "'use strict';\n" + string(concat(scripts[:len(scripts)-1]...)) +
		"\nconst input = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n" +
		"const result = (() => {" + program + "})();\n" +
		"process.stdout.write(JSON.stringify(result, (k, v) => typeof v === 'bigint' ? String(v) : v));\n"
	cmd := exec.Command(path, "-e", script)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.NoError(t, json.Unmarshal(out, got), string(out))
}

// integer is small most of the time, and else anything that may overflow.
func integer(r *rand.Rand) int64 {
	if r.IntN(4) > 0 {
		return r.Int64N(4000) - 1000
	}
	return int64(r.Uint64()) >> r.IntN(64)
}

// TestEval holds the page's arithmetic against dim.Dim: values, overflow, symbols without a value, and how a dim prints.
func TestEval(t *testing.T) {
	type evalCase struct {
		Dim []any             `json:"dim"`
		Env map[string]string `json:"env"`
	}
	r := rand.New(rand.NewPCG(3, 5))
	tab := newTables()
	var cases []evalCase
	var want [][2]string
	for range 4000 {
		d := dim.Const(integer(r))
		for _, s := range []string{"P", "S", "B"}[:r.IntN(4)] {
			d = d.Add(dim.Sym(s).Mul(integer(r)))
		}
		env, text := map[string]int64{}, map[string]string{}
		for _, s := range []string{"P", "S", "B"} {
			if r.IntN(12) > 0 {
				env[s] = integer(r)
				text[s] = strconv.FormatInt(env[s], 10)
			}
		}
		if d.Err() != nil {
			continue
		}
		value := "null"
		if v, err := d.Eval(env); err == nil {
			value = strconv.FormatInt(v, 10)
		}
		cases = append(cases, evalCase{tab.dims.rows[tab.dim(d)], text})
		want = append(want, [2]string{value, d.String()})
	}
	var got [][2]string
	node(t, `return input.map(({dim, env}) => {
		const d = dim.map((v, i) => i % 2 ? v : BigInt(v));
		const e = Object.fromEntries(Object.entries(env).map(([k, v]) => [k, BigInt(v)]));
		return [String(evalDim(d, e)), dimText(d)];
	});`, cases, &got)
	require.Equal(t, want, got)
}

// TestBytes holds the page's sizes against kernel.DType's.
func TestBytes(t *testing.T) {
	type sizeCase struct {
		DType []any    `json:"dtype"`
		Shape []string `json:"shape"`
	}
	r := rand.New(rand.NewPCG(1, 2))
	tab := newTables()
	var cases []sizeCase
	var want []string
	for _, row := range kernel.DTypes {
		for range 60 {
			shape, text := []int64{}, []string{}
			for i := r.IntN(4); i > 0; i-- {
				n := r.Int64N(300)
				if r.IntN(2) == 0 {
					n *= int64(row.Elems)
				}
				shape, text = append(shape, n), append(text, strconv.FormatInt(n, 10))
			}
			value := "null"
			if len(shape) == 0 {
				shape = []int64{1}
			}
			if n, err := row.DType.MatrixBytes(shape...); err == nil {
				value = strconv.FormatInt(n, 10)
			}
			cases = append(cases, sizeCase{tab.dtypes.rows[tab.dtype(row.DType)], text})
			want = append(want, value)
		}
	}
	var got []string
	node(t, `return input.map(({dtype, shape}) => {
		const [name, elems, rows, bytes] = dtype;
		return String(matrixBytes({name, elems: BigInt(elems), rows: BigInt(rows), bytes: BigInt(bytes)}, shape.map(BigInt)));
	});`, cases, &got)
	require.Equal(t, want, got)
}

// TestSettle: wherever a slider goes, the bounds hold, and it stays where it was put.
func TestSettle(t *testing.T) {
	var got []string
	node(t, `
		const bound = (l, rel, r) => [l, rel, r];
		const S = [0n, 'S', 1n], P = [0n, 'P', 1n], sum = [0n, 'P', 1n, 'S', 1n];
		const bounds = [bound(S, '>=', [1n]), bound(P, '>=', [0n]), bound(sum, '<=', [48n])];
		const symbols = [{name: 'S', min: 1n, max: 48n}, {name: 'P', min: 0n, max: 47n}];
		const bad = [];
		for (let s = 1n; s <= 48n; s++) for (let p = 0n; p <= 47n; p++) for (const moved of ['S', 'P']) {
			const env = settle(bounds, {S: s, P: p}, moved, symbols);
			const kept = moved === 'S' ? env.S === s : env.P === p;
			if (!bounds.every((b) => allowed(b, env)) || !kept) bad.push(s + ',' + p + ' ' + moved + ': ' + env.S + ',' + env.P);
		}
		return bad;`, nil, &got)
	require.Empty(t, got)
}

// folded is how a page's graphs fold, a line a section.
const folded = `
	const model = readModel(input);
	return model.stages.map((s) => s.name + ': ' + s.graphs.map((g) => g.name + ' ' + sections(g.graph).map((s) =>
		s.kind === 'layers' ? 'layers ' + numbers(s.layers) + ' x' + s.layers.length : s.title + ' ' + s.items.length).join(', ')).join('; '));`

// TestFolding: layers that are alike are one line; sliding layers are not like the others, and the last layers of prefill compute one
// token.
func TestFolding(t *testing.T) {
	p := drawn(t, small(4))
	var got []string
	node(t, folded, decoded(t, p), &got)
	require.Equal(t, "declared: llama inputs 8, layers 0–3 x4, outputs 4", got[0])
	require.Contains(t, got[len(got)-1], "decode inputs 7, layers 0–3 x4, outputs")
	require.Contains(t, got[len(got)-1], "prefill inputs 7, layers 0–1 x2, layers 2 x1, layers 3 x1, outputs")

	c := small(6)
	c.Sliding = models.Sliding{Window: 8, Pattern: []bool{true, false}}
	p = drawn(t, c)
	node(t, folded, decoded(t, p), &got)
	require.Equal(t, "declared: llama inputs 9, layers 0, 2, 4 x3, layers 1, 3, 5 x3, outputs 4", got[0])
}

// TestReplan: at the greatest sizes that the bounds allow, the page's plan is the compiler's.
func TestReplan(t *testing.T) {
	p := drawn(t, small(3))
	var got []string
	node(t, `
		const model = readModel(input);
		return model.stages.at(-1).graphs.map((g) => {
			const same = ArenaView.prototype.replan.call({ size: (s) => s.bytes }, g.graph);
			const bad = same.filter((s, i) => s.offset !== g.graph.arena.slots[i].offset);
			const wrong = g.graph.arena.slots.filter((s) => ArenaView.prototype.size.call({ app: { env: g.name === 'decode' ? {P: 511n} : {S: 128n, P: 384n} } }, s) !== s.bytes);
			return g.name + ' ' + bad.length + ' ' + wrong.length + ' ' + (ArenaView.prototype.peak(same) === g.graph.arena.bytes);
		});`, decoded(t, p), &got)
	require.Equal(t, []string{"decode 0 0 true", "prefill 0 0 true", "logits 0 0 true"}, got)
}

// seedPage is the page of the seed's graph, whose check fails.
func seedPage(t *testing.T) *Page {
	src, err := os.ReadFile("../testdata/seed.ir")
	require.NoError(t, err)
	g, err := ir.Parse("seed.ir", string(src), op.Table)
	require.NoError(t, err)
	p := New("seed.ir")
	check := ir.Verify(g)
	require.Error(t, check)
	p.Add(Stage{Name: "declared", Graphs: []Graph{{Graph: g}}})
	p.Fail(check)
	return p
}

// dom is a page's document after its scripts have run, in a browser.
func dom(t *testing.T, p *Page, hash string) string {
	t.Helper()
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" || testing.Short() {
		t.Skip("needs Chromium, to open the page")
	}
	dir := t.TempDir()
	file := dir + "/page.html"
	require.NoError(t, os.WriteFile(file, []byte(rendered(t, p)), 0o666))
	cmd := exec.Command(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+dir+"/profile",
		"--window-size=1400,1000", "--virtual-time-budget=4000", "--dump-dom", "file://"+file+"#"+hash)
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

// TestBrowser opens pages as a person does.
func TestBrowser(t *testing.T) {
	t.Run("model", func(t *testing.T) {
		p := drawn(t, small(3))
		html := dom(t, p, "right=plan:prefill&S=7&P=9&pin=layers.1.attn.scores&find=softmax")
		for _, want := range []string{`role="treeitem"`, `<h3>layers.1.attn.scores</h3>`, "arena of prefill", `class="live"`, "at S=7, P=9: at most", `<td class="expr">P+S</td><td class="num">16</td>`} {
			require.Contains(t, html, want)
		}
		require.Regexp(t, `id="found"[^>]*>3<`, html, "three layers, three softmaxes")
	})
	t.Run("seed", func(t *testing.T) {
		html := dom(t, seedPage(t), "")
		require.Contains(t, html, "at S=5, P=2: kv is 7 against 5")
		require.Equal(t, 2, strings.Count(html, `<path class="fault"`), "both edges are marked")
		require.Contains(t, dom(t, seedPage(t), "P=0"), "at S=5, P=0: kv is 5 against 5. It fits here")
	})
	t.Run("hostile", func(t *testing.T) {
		html := dom(t, hostilePage(), fmt.Sprintf("pin=%s", "%3Cimg%20src=x%20onerror=alert(1)%3E"))
		require.NotContains(t, html, "<img")
		require.NotContains(t, html, "<svg onload")
		require.Equal(t, 2, strings.Count(html, "<script"))
		require.Contains(t, html, "<h3>&lt;img src=x onerror=alert(1)&gt;</h3>", "pinned, as text")
	})
}
