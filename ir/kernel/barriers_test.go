package kernel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// marked prints the body with a line "barrier" before each statement that needs one.
func marked(k *Kernel) string {
	var p printer
	before := Barriers(k)
	var walk func(body []Stmt)
	walk = func(body []Stmt) {
		for _, s := range body {
			if before[s] {
				p.line("barrier")
			}
			p.line("%s", head(s))
			p.indent++
			switch s := s.(type) {
			case *For:
				walk(s.Body)
			case *If:
				walk(s.Then)
				if len(s.Else) > 0 {
					p.line("else")
					walk(s.Else)
				}
			}
			p.indent--
		}
	}
	walk(k.Body)
	return p.String()
}

func TestBarriers(t *testing.T) {
	const produce, other = "for i := range lanes(K) {\na[i] = x[i]\n}\n", "for i := range lanes(K) {\nb[i] = x[i]\n}\n"
	const consume = "s := sum(i, K, a[i])\n"
	for _, c := range []struct {
		name, body string
		want       []string // the statements after a barrier
	}{
		{"producer and consumer", produce + consume, []string{"s := sum(i, K, a[i])"}},
		{"one wait serves two consumers", produce + other + consume + "t := max(i, K, b[i])\n", []string{"s := sum(i, K, a[i])"}},
		{"independent writes", produce + other, nil},
		{"read of global memory", "s := sum(i, K, x[i])\n" + produce, nil},
		{"write after read", consume + produce, []string{"for i := range lanes(K)"}},
		{"write after write", produce + produce, []string{"for i := range lanes(K)"}},
		{"within a loop over lanes", "for i := range lanes(K) {\na[i] = x[i]\ny[i] = a[i]\n}\n", nil},
		{"dot and its reader", "dot(a, 0, w, 0, K, x, 0, K, K, 1, K)\nfor i := range lanes(K) {\ny[i] = a[i]\n}\n", []string{"for i := range lanes(K)"}},
		{"dot of group memory", produce + "dot(b, 0, w, 0, K, a, 0, K, K, 1, K)\n", []string{"dot(b, 0, w, 0, K, a, 0, K, K, 1, K)"}},
		{"encode and what it reads", produce + "encode(q, 0, a, 0, K)\n", []string{"encode(q, 0, a, 0, K)"}},
		{"encode and a later write", "encode(q, 0, a, 0, K)\n" + produce, []string{"for i := range lanes(K)"}},
		{"dots side by side", "dot(a, 0, w, 0, K, x, 0, K, 4, 1, K)\ndot(a, 4, w, 0, K, x, 0, K, 4, 1, K)\n", nil},
		{"mix adds to what was written", produce + "mix(a, 0, w, 0, K, x, 0, K, 1, 1, K)\n", []string{"mix(a, 0, w, 0, K, x, 0, K, 1, 1, K)"}},
		{"the back edge", "for t := 0; t < K; t += 1 {\n" + consume + produce + "}\n", []string{"  s := sum(i, K, a[i])", "  for i := range lanes(K)"}},
		{"the back edge alone", "for t := 0; t < K; t += 1 {\nmix(a, 0, w, 0, K, x, 0, K, 1, 1, K)\n}\n", []string{"  mix(a, 0, w, 0, K, x, 0, K, 1, 1, K)"}},
		{"a loop that only writes elsewhere", "for t := 0; t < K; t += 1 {\ndot(a, 0, w, 0, K, x, 0, K, 4, 1, K)\n}\n", nil},
		{"a loop's entry waits outside", produce + "for t := 0; t < K; t += 1 {\n" + consume + "}\n", []string{"for t := 0; t < K; t += 1"}},
		{"a loop may run no time", produce + "for t := 0; t < K; t += 1 {\nu := t\n}\n" + consume, []string{"s := sum(i, K, a[i])"}},
		{"a loop may run no time 2", produce + "for t := 0; t < K; t += 1 {\n" + "r := sum(i, K, a[i])\n" + other + "}\n" + consume,
			[]string{"for t := 0; t < K; t += 1", "  for i := range lanes(K)"}},
		{"a branch", produce + "if K < R {\n" + consume + "}\nu := a[0]\n", []string{"  s := sum(i, K, a[i])", "u := a[0]"}},
		{"a condition", produce + "if a[0] < 1.0 {\n}\n", []string{"if a[0] < 1.0"}},
		{"both branches", "if K < R {\n" + produce + "} else {\n" + consume + "}\n", nil},
		{"state", "for i := range lanes(K) {\nkc[i] = x[i]\n}\ndot(a, 0, kc, 0, K, x, 0, K, 1, 1, K)\n", []string{"dot(a, 0, kc, 0, K, x, 0, K, 1, 1, K)"}},
		{"one lane's store", "a[0] = 1.0\nu := a[0]\na[0] = u\n", []string{"u := a[0]", "a[0] = u"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := parsed(t, "func f(x in_f32, w weight, q out_a8, kc state_f32, y out_f32, K int, R int) {\ngroup(a, K)\ngroup(b, K)\n"+c.body+"}\n")
			require.NoError(t, Verify(k))
			text := marked(k)
			var got []string
			lines := strings.Split(strings.ReplaceAll(text, "\t", "  "), "\n")
			for i, l := range lines {
				if strings.TrimSpace(l) == "barrier" {
					got = append(got, lines[i+1])
				}
			}
			require.Equal(t, c.want, got, text)
		})
	}
}

// TestBarriersSuffice follows executions and looks for a statement that touches memory which another touched since the last
// barrier.
func TestBarriersSuffice(t *testing.T) {
	for _, src := range kernels(t) {
		checkPaths(t, parsed(t, src))
	}
	rapid.Check(t, func(t *rapid.T) { checkPaths(t, genKernel(t)) })
}

func checkPaths(t require.TestingT, k *Kernel) {
	before := Barriers(k)
	p := &barrierPass{shared: map[string]bool{}}
	for _, l := range k.Group {
		p.shared[l.Name] = true
	}
	for _, b := range k.Bufs {
		p.shared[b.Name] = b.Role == State
	}
	for _, path := range paths(k.Body, 2) {
		since := access{}
		for _, s := range path {
			if before[s] {
				since = access{}
			}
			touched := p.of(s)
			require.False(t, since.conflicts(touched), head(s))
			since = since.union(touched)
		}
	}
}

// TestBarriersOfDeepLoops: the work does not multiply with each level.
func TestBarriersOfDeepLoops(t *testing.T) {
	body := []Stmt{&Reduce{Name: "s", Var: "i", N: I(1), Value: At("a", I(0))}, &Store{"a", I(0), FloatVar("s")}}
	for range 200 {
		body = []Stmt{&For{Var: "i", Lo: I(0), Hi: I(1), Step: I(1), Body: body}}
	}
	require.Len(t, Barriers(&Kernel{Group: []Local{{"a", I(1)}}, Body: body}), 2)
}

// maxPaths bounds what a random kernel asks for.
const maxPaths = 500

// paths are the sequences of statements that executions go through, with loops run up to n times.
func paths(body []Stmt, n int) [][]Stmt {
	out := [][]Stmt{nil}
	join := func(tails [][]Stmt) {
		var next [][]Stmt
		for _, p := range out {
			for _, q := range tails {
				if len(next) == maxPaths {
					break
				}
				next = append(next, append(p[:len(p):len(p)], q...))
			}
		}
		out = next
	}
	for _, s := range body {
		join([][]Stmt{{s}})
		switch s := s.(type) {
		case *For:
			if !s.divided() {
				tails := [][]Stmt{nil}
				for i := range n {
					var round []Stmt
					for range i + 1 {
						round = append(round, s.Body...)
					}
					tails = append(tails, paths(round, 1)...)
				}
				join(tails)
			}
		case *If:
			join(append(paths(s.Then, n), paths(s.Else, n)...))
		}
	}
	return out
}
