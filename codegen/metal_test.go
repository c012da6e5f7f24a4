package codegen_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// emulated skips a test where Metal's emulator has no compiler.
func emulated(t *testing.T) *emulator.Compiler {
	c, err := emulator.Find()
	if err != nil {
		t.Skipf("%v; it wants Debian's clang-19 and libclang-rt-19-dev", err)
	}
	return c
}

// TestBuildMetal: where Apple's compiler is, there is a library; where it is not, none and no error; what it complains of is told.
func TestBuildMetal(t *testing.T) {
	tools := t.TempDir()
	t.Setenv("PATH", tools)
	src := map[string][]byte{codegen.MetalSource: []byte("kernel void f() {}\n")}
	files, err := codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Empty(t, files)
	script := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(tools, "xcrun"), []byte("#!/bin/sh\n"+text), 0o755))
	}
	script(`[ "$3" = -find ] && exit 0
while [ $# -gt 2 ]; do
	case $1 in -std=*) std=$1 ;; -c) read -r text <"$2" ;; *.air) read -r text <"$1" ;; esac
	shift
done
echo "$std $text" >"$2"
`)
	files, err = codegen.BuildMetal(src, []string{"3.2"})
	require.NoError(t, err)
	require.Equal(t, " -std=metal3.2 kernel void f() {}\n", string(files[codegen.MetalLibrary]))
	files, err = codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Equal(t, " -std=metal3.1 kernel void f() {}\n", string(files[codegen.MetalLibrary]))
	script("[ \"$3\" = -find ] && exit 0\necho 'kernels.metal:1: no such thing' >&2\nexit 1\n")
	_, err = codegen.BuildMetal(src, nil)
	require.EqualError(t, err, "kernels for Metal 3.1: xcrun metal: exit status 1\nkernels.metal:1: no such thing")
	script("exit 72\n") // the command line tools alone
	files, err = codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Empty(t, files)
	_, err = codegen.BuildMetal(src, []string{"2.4"})
	require.EqualError(t, err, `unknown version of Metal "2.4": want 3.1 or 3.2`)
	_, err = codegen.BuildMetal(src, []string{"3.1", "3.2"})
	require.EqualError(t, err, "a Metal library is of one version of the language, not 3.1 and 3.2")
}

// emulation runs kernels as Metal under the emulator, each as one group of the CPU's engine. They compile without warnings, and have
// the group memory that the program says.
func emulation(t *testing.T, compiler *emulator.Compiler, c *codegen.Compiled) cpu.Library {
	files, err := c.Target.Sources(c.Program, c.Kernels)
	require.NoError(t, err)
	m, err := compiler.Compile(t.Context(), files[codegen.MetalSource], emulator.Options{Name: codegen.MetalSource})
	require.NoError(t, err)
	require.Len(t, m.Kernels(), len(c.Kernels))
	lib := hostile(t, c.Kernels)
	for i, k := range c.Kernels {
		require.Equal(t, k.Name, m.Kernels()[i].Name)
		require.Equal(t, c.Program.Kernels[i].Shared, m.Kernels()[i].GroupMemory, k.Name)
		interpreted := lib.Kernels[k.Key()]
		lib.Kernels[k.Key()] = &cpu.Kernel{
			Name:    k.Name,
			Groups:  func(*cpu.Args) int { return 1 },
			Scratch: func(*cpu.Args) int { return 0 },
			Run: func(a *cpu.Args, _ []float32, _ int) {
				step := make([]byte, 4*max(1, len(c.Program.Symbols)))
				for j, s := range k.Ints {
					binary.LittleEndian.PutUint32(step[4*slices.Index(c.Program.Symbols, s):], uint32(a.Ints[j]))
				}
				buffers := []emulator.Buffer{{Mem: step}}
				for _, b := range a.Bufs {
					buffers = append(buffers, emulator.Buffer{Mem: b.Data})
				}
				d := emulator.Dispatch{Groups: interpreted.Groups(a), Threads: c.Program.Kernels[i].Threads, Buffers: buffers}
				if err := m.Run(k.Name, d); err != nil {
					panic(err)
				}
			},
		}
	}
	return lib
}

// TestMetalLlama holds every specialisation of small Llamas of every structure and weight type, run by the emulator, against the
// reference: one token exactly, many tokens as closely as 16 bits of the activations allow.
func TestMetalLlama(t *testing.T) {
	compiler := emulated(t)
	for _, c := range llamaCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			tr := &trial{g: c.graph(t), env: map[string]int64{"S": 4, "P": 5}, seed: 3, target: "metal"}
			compiled := tr.compile(t)
			lib := emulation(t, compiler, compiled)
			for _, step := range []string{runtime.Logits, runtime.Prefill, runtime.Decode} {
				if step == runtime.Decode {
					tr.env = map[string]int64{"S": 1, "P": 9}
				}
				graph := compiled.Module.Graphs[slices.IndexFunc(compiled.Program.Steps, func(s runtime.Step) bool { return s.Name == step })]
				want := tr.lastRows(t, graph, tr.reference(t))
				got := tr.runStep(t, compiled.Program, tr.weights(compiled), lib, 1, step)
				most := 0.02
				if step == runtime.Decode {
					most = 0.01 // the past was many tokens
				}
				require.Less(t, relative(want[0], got[0]), most, step)
			}
		})
	}
}

// TestMetalOps runs every case of every row of the op table.
func TestMetalOps(t *testing.T) {
	compiler := emulated(t)
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			t.Run(row.Name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				tr := parseTrial(t, op.Table, c)
				tr.target = "metal"
				compiled := tr.compile(t)
				if slices.ContainsFunc(tr.g.Nodes, encodes) {
					_, err := compiled.Target.Sources(compiled.Program, compiled.Kernels)
					require.ErrorContains(t, err, "target metal: kernel")
					return
				}
				lib := emulation(t, compiler, compiled)
				near(t, tr.reference(t), tr.run(t, compiled.Program, tr.weights(compiled), lib, 1), 4e-3, row.Name) // as close as bf16
			})
		}
	}
}

// TestMetalRandom runs random graphs.
func TestMetalRandom(t *testing.T) {
	compiler := emulated(t)
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tr := rapid.Custom(drawTrial).Example(i)
			tr.target, tr.acts = "metal", kernel.Invalid
			want, most := tr.evaluate(t)
			compiled := tr.compile(t)
			lib := emulation(t, compiler, compiled)
			near(t, want, tr.run(t, compiled.Program, tr.weights(compiled), lib, 1), 4e-3*(1+most), ir.Print(tr.g))
		})
	}
}
