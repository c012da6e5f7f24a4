package verify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/gopkg"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// inBinary is what the test's binary has where a file with planted kernels is part of it: they, and which mistakes do not compile.
var inBinary struct {
	table   map[string]*cpu.Kernel
	run     map[string]func(*cpu.Args, []float32, int)
	refused []int
}

// TestPlantedInGo plants mistakes in the kernels.go of a Go package, as `llorch compile --target go` writes it: a few of each kernel, or all
// of two models where LLORCH_MUTANTS is set. This test is built once more with that file as part of it, and then runs the mistakes.
func TestPlantedInGo(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	for _, name := range plantedModels() {
		t.Run(name, func(t *testing.T) {
			l := inGo(t, name)
			ms := l.mistakes(4)
			if inBinary.table == nil {
				l.inBinary(t, ms)
				return
			}
			for i, at := range inBinary.refused {
				ms = slices.Delete(ms, at-i, at-i+1)
			}
			sum := newTally()
			l.run(t, &batch{l.text.Plant(ms), ms, len(inBinary.refused)}, sum)
			l.sums(t, sum)
		})
	}
}

// inBinary builds and runs the binary with the mistakes.
func (l *language) inBinary(t *testing.T, ms []mutant.Mistake) {
	binary := filepath.Join(t.TempDir(), "planted.test")
	l.refused = func(source string) []int { return buildWith(t, binary, source+registers(source, nil)) }
	b := l.plant(t, ms)
	var refused []int
	for i, m := range ms {
		if !slices.Contains(b.mistakes, m) {
			refused = append(refused, i)
		}
	}
	require.Empty(t, buildWith(t, binary, b.Source+registers(b.Source, refused)))
	_, model, _ := strings.Cut(t.Name(), "/")
	out, err := exec.Command(binary, "-test.run", "^TestPlantedInGo$/^"+model+"$", "-test.v").CombinedOutput()
	says := regexp.MustCompile(`(?m)^\s*(=== |--- PASS).*\n`).ReplaceAllString(string(out), "")
	require.NoError(t, err, "%s", says)
	t.Log(says)
}

// inGo writes the package of a model, and reads its program back.
func inGo(t *testing.T, model string) *language {
	s, c := plantable(t, model, "tiny go")
	c.Program.Target, c.Program.Tokenizer = "go", &tokenizer.Spec{Model: tokenizer.SPM, Pieces: make([]tokenizer.Piece, c.Program.Vocab)}
	dir := t.TempDir()
	require.NoError(t, gopkg.Write(dir, gopkg.Options{Name: "planted", Source: "a test", Embed: true}, c.Program, c.Kernels, c.Weights(s.src)))
	file := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return b
	}
	a, err := runtime.NewArtifact(file(runtime.ManifestFile), file(runtime.WeightsFile), "go")
	require.NoError(t, err)
	c.Program, c.Kernels = a.Program, nil
	for _, k := range a.Program.Kernels {
		parsed, err := kernel.Parse(k.Text)
		require.NoError(t, err)
		c.Kernels = append(c.Kernels, parsed)
	}
	source := strings.Replace(string(file("kernels.go")), "package planted", "package verify_test", 1)
	l := &language{setup: s, compiled: c, text: mutant.ReadText(source), file: "kernels.go", same: sameInGo}
	l.functionOf = func(k *runtime.Kernel) string {
		m := regexp.MustCompile(`"` + k.Key + `": .* Run: (\w+)\}`).FindStringSubmatch(source)
		require.NotNil(t, m, k.Name)
		return m[1]
	}
	l.engine = func(t *testing.T, _ string, with *codegen.Compiled) (runtime.Engine, error) {
		table := maps.Clone(inBinary.table)
		for i, k := range with.Program.Kernels {
			if name := k.Name; name != c.Program.Kernels[i].Name {
				mutated := *table[k.Key]
				mutated.Run = inBinary.run[name]
				require.NotNil(t, mutated.Run, name)
				table[k.Key] = &mutated
			}
		}
		return cpu.New(with.Program, a, cpu.Library{Kernels: table, Tiles: gen.Library().Tiles}, cpu.Options{Threads: 2})
	}
	return l
}

// registers is Go that tells the test's binary of the kernels in a source.
func registers(source string, refused []int) string {
	var b strings.Builder
	b.WriteString("\nfunc init() {\n\tinBinary.table = kernels\n\tinBinary.run = map[string]func(*cpu.Args, []float32, int){\n")
	for _, m := range regexp.MustCompile(`(?m)^func (\w+)\(a \*cpu\.Args, scratch`).FindAllStringSubmatch(source, -1) {
		fmt.Fprintf(&b, "\t\t%q: %[1]s,\n", m[1])
	}
	fmt.Fprintf(&b, "\t}\n\tinBinary.refused = %#v\n}\n", refused)
	return b.String()
}

var goError = regexp.MustCompile(`(?m)planted\.go:(\d+):`)

// buildWith builds this package's test with one more file, which lies elsewhere. It returns the lines of that which do not compile.
func buildWith(t *testing.T, binary, source string) []int {
	_, err := parser.ParseFile(token.NewFileSet(), "", source, parser.AllErrors|parser.SkipObjectResolution)
	var wrong scanner.ErrorList
	if errors.As(err, &wrong) { // of which the go command tells no more than a few
		return []int{wrong[0].Pos.Line}
	}
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "planted.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o666))
	here, err := filepath.Abs("zplanted_test.go")
	require.NoError(t, err)
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{here: file}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, text, 0o666))
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	if err == nil {
		return nil
	}
	var lines []int
	for _, m := range goError.FindAllStringSubmatch(string(out), -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		lines = append(lines, n)
	}
	require.NotEmpty(t, lines, "%s", out)
	return lines
}
