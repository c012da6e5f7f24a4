package gocpu_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir/kernel"
)

// job is a kernel or a tile with its arguments; the worker returns it with the memory that it wrote.
type job struct {
	Kernel string
	Tile   string
	DTypes []uint8
	Bufs   [][]byte
	Ints   []int
	Floats []float32
	Acc, X []float32
}

// emitted is what the tests compile: the emitted files of a package main, by name.
func emitted(t testing.TB, ks []*kernel.Kernel) map[string][]byte {
	opt := gocpu.Options{Package: "main", Source: "a test"}
	kernels, err := gocpu.Kernels(opt, ks)
	require.NoError(t, err)
	tiles, err := gocpu.Tiles(opt)
	require.NoError(t, err)
	return map[string][]byte{"zkernels.go": kernels, "ztiles.go": tiles}
}

// overlay lays files over a folder of this module that does not exist, so that the go command, offline, compiles them as
// part of it. It returns the folder and the content by absolute path.
func overlay(t testing.TB, files map[string][]byte) (dir string, content map[string][]byte) {
	dir, err := filepath.Abs("zemitted")
	require.NoError(t, err)
	content = map[string][]byte{}
	for name, b := range files {
		content[filepath.Join(dir, name)] = b
	}
	return dir, content
}

// goCommand runs the go command on the package that files make up.
func goCommand(t testing.TB, files map[string][]byte, stdin []byte, args ...string) []byte {
	dir, content := overlay(t, files)
	tmp := t.TempDir()
	replace := map[string]string{}
	for path, b := range content {
		real := filepath.Join(tmp, filepath.Base(path))
		require.NoError(t, os.WriteFile(real, b, 0o666))
		replace[path] = real
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(tmp, "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o666))
	cmd := exec.Command("go", append([]string{args[0], "-overlay", file}, append(args[1:], dir)...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s%s", stderr.Bytes(), out)
	return out
}

// execute runs jobs in a program of the emitted kernels and tiles, and of extra files, and returns them with the memory that
// they wrote.
func execute(t testing.TB, ks []*kernel.Kernel, jobs []job, extra map[string][]byte) []job {
	files := emitted(t, ks)
	maps.Copy(files, extra)
	worker, err := os.ReadFile("testdata/worker.go.txt")
	require.NoError(t, err)
	files["main.go"] = worker
	var in bytes.Buffer
	require.NoError(t, gob.NewEncoder(&in).Encode(jobs))
	out := goCommand(t, files, in.Bytes(), "run")
	var done []job
	require.NoError(t, gob.NewDecoder(bytes.NewReader(out)).Decode(&done))
	require.Len(t, done, len(jobs))
	return done
}
