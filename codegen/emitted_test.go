package codegen_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/ir/op"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
)

// job is a trial for the worker program; Out comes back.
type job struct {
	Name    string
	Program *runtime.Program
	Weights map[string][]byte
	Steps   []call
	Out     map[string][]byte
}

// emittedTrials is everything whose kernels the test emits: each op's cases, those of a table of one's own, small Llamas of
// every structure, and some random graphs.
func emittedTrials(t *testing.T) map[string]*trial {
	trials := map[string]*trial{}
	for _, row := range op.Rows {
		for _, c := range row.Cases {
			trials[row.Name+"/"+c.Name] = parseTrial(t, op.Table, c)
		}
	}
	for _, c := range newOpCases() {
		trials["new/"+c.Name] = parseTrial(t, newTable, c)
	}
	llamas := shapes()
	for i, name := range slices.Sorted(maps.Keys(llamas)) {
		kv := []kernel.DType{kernel.F32, kernel.F16}[i%2]
		g := models.Llama(llamas[name], models.Options{KV: kv})
		require.NoError(t, ir.Verify(g))
		trials["llama/"+name] = &trial{g: g, env: map[string]int64{"S": 3, "P": 5}, seed: 3, rounds: kv == kernel.F16}
		trials["llama/"+name+"/one"] = &trial{g: g, env: map[string]int64{"S": 1, "P": 4}, seed: 3, rounds: kv == kernel.F16}
	}
	graphs := rapid.Custom(drawTrial)
	for i := range 30 {
		tr := graphs.Example(i)
		if tr.target != "cpu" { // Go is for CPUs alone
			tr.target = "tiny"
		}
		trials[fmt.Sprintf("random/%d", i)] = tr
	}
	return trials
}

// TestEmittedGo builds one program of the Go of all those kernels, runs everything in it, and holds the results against the
// reference and the interpreter. The worker refuses to run a kernel that was not emitted.
func TestEmittedGo(t *testing.T) {
	t.Parallel()
	trials := emittedTrials(t)
	names := slices.Sorted(maps.Keys(trials))
	var ks []*kernel.Kernel
	var jobs []*job
	compiled := map[string]*runtime.Program{}
	want, tols := map[string][][]float64{}, map[string]float64{}
	for _, name := range names {
		tr := trials[name]
		c := tr.compile(t)
		ks = append(ks, c.Kernels...)
		for i, s := range c.Program.Steps {
			if s.Name == runtime.Decode && tr.env["S"] != 1 {
				continue
			}
			j := &job{Name: name + "/" + s.Name, Program: c.Program, Weights: map[string][]byte{}, Steps: tr.calls(t, c.Program, s.Name)}
			w := tr.weights(c)
			for i := range c.Program.Weights {
				data, err := w.Data(&c.Program.Weights[i])
				require.NoError(t, err)
				j.Weights[c.Program.Weights[i].Name] = data
			}
			jobs = append(jobs, j)
			compiled[j.Name] = c.Program
			ref, most := tr.evaluate(t)
			tol := 1e-5 * (1 + most)
			if tr.rounds {
				tol = 2e-3 * (1 + most)
			}
			interpreted := tr.runStep(t, c.Program, w, cpu.Library{Tiles: gen.Library().Tiles}, 1, s.Name)
			near(t, tr.lastRows(t, c.Module.Graphs[i], ref), interpreted, tol, j.Name+", interpreted")
			want[j.Name], tols[j.Name] = interpreted, tol
		}
	}
	for i, done := range work(t, ks, jobs) {
		require.Equal(t, jobs[i].Name, done.Name)
		last := done.Steps[len(done.Steps)-1].Name
		near(t, want[done.Name], results(t, compiled[done.Name].Step(last), done.Out), tols[done.Name], done.Name+", emitted")
	}
}

// work emits, builds and runs. The files are laid over a folder of this module that does not exist, so that the go command
// compiles them as part of it, offline.
func work(t *testing.T, ks []*kernel.Kernel, jobs []*job) []*job {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	src, err := gocpu.Kernels(gocpu.Options{Package: "main", Source: "a test"}, ks)
	require.NoError(t, err)
	tmp := t.TempDir()
	worker, err := filepath.Abs("testdata/worker.go.txt")
	require.NoError(t, err)
	dir, err := filepath.Abs("zemitted")
	require.NoError(t, err)
	replace := map[string]string{filepath.Join(dir, "main.go"): worker, filepath.Join(dir, "zkernels.go"): filepath.Join(tmp, "zkernels.go")}
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "zkernels.go"), src, 0o666))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "overlay.json"), overlay, 0o666))
	cmd := exec.Command("go", "run", "-overlay", filepath.Join(tmp, "overlay.json"), dir)
	var in, out, stderr bytes.Buffer
	require.NoError(t, gob.NewEncoder(&in).Encode(jobs))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
	var done []*job
	require.NoError(t, gob.NewDecoder(&out).Decode(&done))
	require.Len(t, done, len(jobs))
	return done
}
