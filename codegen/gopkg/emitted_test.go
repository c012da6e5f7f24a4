package gopkg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"

	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// imports are what a package may import besides the standard library.
var imports = []string{
	"github.com/llorch/llorch/runtime/packaged",
	"github.com/llorch/llorch/runtime/cpu",
	tilesPath,
}

// TestPackages makes a module with the package of every structure, type-checks it, and runs it: each must say what the program
// without constants says with the built-in kernels. The module cache is empty.
func TestPackages(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	write("go.mod", fmt.Sprintf("module example.com/all\n\ngo 1.26.0\n\nrequire github.com/llorch/llorch v0.0.0\n\nreplace github.com/llorch/llorch => %s\n", root))
	all := shapes()
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool {
		return !slices.ContainsFunc(gen.Library().Tiles, func(t cpu.Tile) bool { return t.DType == all[name].w })
	})
	want := map[string]string{}
	for _, name := range names {
		c, w := all[name].compile(t)
		o := Options{Name: name, Source: "test", Embed: true}
		require.NoError(t, Write(filepath.Join(dir, name), o, c.Program, c.Kernels, w))
		want[name] = text(t, c.Program, w)
	}
	write("main.go", mainOf(names))
	env := append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "CGO_ENABLED=0", "GOMODCACHE="+filepath.Join(dir, "modules"))
	check(t, dir, env, len(names))

	var out, errs bytes.Buffer
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &errs
	require.NoError(t, cmd.Run(), "%s", &errs)
	var got map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, want, got)
}

// text is what an engine of the built-in kernels says.
func text(t *testing.T, p *runtime.Program, w runtime.Weights) string {
	e, err := cpu.New(p, w, gen.Library(), cpu.Options{})
	require.NoError(t, err)
	defer e.Close()
	m, err := runtime.NewModel(p, e)
	require.NoError(t, err)
	r, err := m.Complete(t.Context(), prompt, runtime.Options{MaxTokens: 16})
	require.NoError(t, err)
	return r.Text
}

const prompt = "abc defgh"

// mainOf is a program that prints the text of each package.
func mainOf(names []string) string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"encoding/json\"\n\t\"fmt\"\n\n")
	for _, n := range names {
		fmt.Fprintf(&b, "\t\"example.com/all/%s\"\n", n)
	}
	b.WriteString(")\n\nfunc main() {\n\tall := map[string]string{}\n")
	for _, n := range names {
		fmt.Fprintf(&b, "\tall[%q] = say(%[1]s.New(%[1]s.Temperature(0), %[1]s.MaxTokens(16)).Generate(context.Background(), %[2]q))\n", n, prompt)
	}
	b.WriteString("\tout, _ := json.Marshal(all)\n\tfmt.Println(string(out))\n}\n")
	b.WriteString("\nfunc say(text string, err error) string {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\treturn text\n}\n")
	return b.String()
}

// check type-checks the packages of the module, and what they import.
func check(t *testing.T, dir string, env []string, n int) {
	ps, err := packages.Load(&packages.Config{
		Dir: dir, Env: env,
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax | packages.NeedDeps | packages.NeedModule,
	}, "./...")
	require.NoError(t, err)
	require.Len(t, ps, n+1)
	packages.Visit(ps, nil, func(p *packages.Package) {
		require.Empty(t, p.Errors, p.PkgPath)
		if p.Module != nil {
			require.Contains(t, []string{"example.com/all", "github.com/llorch/llorch"}, p.Module.Path, "%s is of another module", p.PkgPath)
		}
	})
	for _, p := range ps {
		if p.Name == "main" {
			continue
		}
		for path := range p.Imports {
			if strings.Contains(path, ".") {
				require.Contains(t, imports, path, "%s imports it", p.PkgPath)
			}
		}
		for _, name := range []string{"Model", "New", "Option", "Temperature", "Threads"} {
			require.NotNil(t, p.Types.Scope().Lookup(name), "%s.%s", p.Name, name)
		}
		for _, name := range p.Types.Scope().Names() { // which the user's own files share
			known := name == "manifest" || name == "weights" || name == "content" || strings.HasPrefix(name, "kernel")
			require.True(t, known || token.IsExported(name), "%s.%s", p.Name, name)
		}
	}
}
