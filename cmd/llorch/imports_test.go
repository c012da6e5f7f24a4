package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/llorch/llorch/"

// allowed is the direction of imports: what of the module each package may reach, through others too. A folder ending in /
// stands for all below it.
var allowed = map[string][]string{
	"ir/quant":                           {},
	"ir/dim":                             {},
	"ir/kernel":                          {"ir/quant"},
	"ir":                                 {"ir/dim", "ir/kernel", "ir/quant"},
	"ir/html":                            {"ir", "ir/dim", "ir/kernel", "ir/quant"},
	"ir/op":                              {"ir", "ir/dim", "ir/kernel", "ir/quant"},
	"ir/eval":                            {"ir", "ir/dim", "ir/kernel", "ir/quant"},
	"passes/lower":                       {"ir", "ir/dim", "ir/kernel", "ir/quant"},
	"passes":                             {"passes/lower", "ir", "ir/dim", "ir/kernel", "ir/quant"},
	"codegen/gocpu":                      {"ir/kernel", "ir/quant"},
	"codegen/gocpu/goasm":                {"ir/quant"},
	"codegen/clike":                      {"ir/kernel", "ir/quant"},
	"codegen/clike/cuda":                 {"codegen/clike", "ir/kernel", "ir/quant"},
	"codegen/clike/metal":                {"codegen/clike", "ir/kernel", "ir/quant"},
	"codegen/nvrtc":                      {},
	"codegen":                            {"codegen/gocpu", "codegen/clike", "codegen/clike/cuda", "codegen/clike/metal", "codegen/nvrtc", "passes", "passes/lower", "ir", "ir/dim", "ir/kernel", "ir/quant", "runtime", "models/mmap", "runtime/sample", "models/tokenizer"},
	"codegen/verify":                     {"codegen/", "codegen", "passes", "passes/lower", "ir", "ir/dim", "ir/eval", "ir/kernel", "ir/quant", "runtime", "models/mmap", "runtime/sample", "models/tokenizer"},
	"codegen/verify/mutant":              {"ir/kernel", "ir/quant"},
	"codegen/gopkg":                      {"codegen/gocpu", "ir/kernel", "ir/quant", "runtime", "runtime/cpu", "runtime/packaged", "models/mmap", "runtime/sample", "models/tokenizer"},
	"models/tokenizer":                   {},
	"models/tokenizer/internal/generate": {},
	"models/austen":                      {},
	"models/chat":                        {"models/chat/jinja"},
	"models/chat/jinja":                  {},
	"models/gguf":                        {"models/mmap"},
	"models/safetensors":                 {"models/mmap"},
	"models":                             {"models/gguf", "models/safetensors", "models/tokenizer", "models/mmap", "ir", "ir/op", "ir/dim", "ir/kernel", "ir/quant"},
	"models/mmap":                        {},
	"runtime/sample":                     {},
	"runtime":                            {"models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/dialogue":                   {"models/chat", "models/chat/jinja", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/score":                      {"runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/host":                       {},
	"runtime/bench":                      {"runtime/host", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/cpu":                        {"runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/gpu/device":                 {},
	"runtime/gpu":                        {"runtime/gpu/device", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/cuda/driver":                {"runtime/gpu/device"},
	"runtime/cuda":                       {"runtime/gpu", "runtime/gpu/device", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"runtime/metal/emulator":             {},
	"runtime/metal":                      {"runtime/metal/emulator", "runtime/gpu/device"},
	"runtime/packaged":                   {"runtime", "runtime/cpu", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"gen":                                {"gen/tiles", "runtime/cpu", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"gen/internal/generate":              {"codegen/", "codegen", "passes/", "passes", "models/", "models", "ir/", "ir", "runtime/", "runtime"},
	"gen/tiles":                          {"runtime/cpu", "runtime", "models/mmap", "runtime/sample", "models/tokenizer", "ir/kernel", "ir/quant"},
	"gen/internal/tiles":                 {"codegen/gocpu", "codegen/gocpu/goasm", "ir/kernel", "ir/quant"},
	"cmd/llorch":                         {"codegen/", "codegen", "passes/", "passes", "models/", "models", "ir/", "ir", "runtime/", "runtime", "gen", "gen/tiles"},
}

// standardOnly are the packages that compiled models run on: nothing but the standard library and llorch itself.
var standardOnly = []string{"runtime", "runtime/cpu", "runtime/score", "runtime/host", "runtime/bench", "runtime/packaged", "gen", "gen/tiles", "models", "models/austen", "models/chat", "models/chat/jinja", "models/tokenizer", "ir", "ir/op", "ir/eval", "ir/kernel", "ir/quant", "passes", "passes/lower"}

func TestImportDirection(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	for _, pkg := range strings.Fields(goList(t, "list", module+"...")) {
		name := strings.TrimPrefix(pkg, module)
		may, known := allowed[name]
		require.True(t, known, "package %s has no row in the table of allowed imports", name)
		for _, dep := range strings.Fields(goList(t, "list", "-deps", pkg)) {
			own, ours := strings.CutPrefix(dep, module)
			if !ours {
				if strings.Contains(strings.Split(dep, "/")[0], ".") {
					require.NotContains(t, standardOnly, name, "%s depends on %s", name, dep)
				}
				continue
			}
			ok := own == name || slices.ContainsFunc(may, func(a string) bool { return a == own || strings.HasSuffix(a, "/") && strings.HasPrefix(own, a) })
			require.True(t, ok, "%s depends on %s", name, own)
		}
	}
}

// TestJenniferHasOneImporter: only the Go emitter writes Go.
func TestJenniferHasOneImporter(t *testing.T) {
	out := goList(t, "list", "-f", "{{.ImportPath}}: {{.Imports}}", module+"...")
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "dave/jennifer") {
			require.True(t, strings.HasPrefix(line, module+"codegen/gocpu:"), line)
		}
	}
}

func goList(t *testing.T, args ...string) string {
	out, err := exec.Command("go", args...).Output()
	require.NoError(t, err)
	return string(out)
}
