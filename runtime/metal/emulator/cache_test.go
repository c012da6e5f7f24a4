package emulator

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const tiny = `#include <metal_stdlib>
kernel void k(device float *o [[buffer(0)]], uint i [[thread_position_in_grid]]) { o[i] = 2.0f; }
`

// counted is a compiler with a cache of its own, whose clang notes its runs in a file.
func counted(t *testing.T, cache *cache) (c *Compiler, runs func() int) {
	t.Helper()
	dir := t.TempDir()
	log, script := filepath.Join(dir, "runs"), filepath.Join(dir, "clang")
	text := fmt.Sprintf("#!/bin/sh\necho run >> %s\nexec %s \"$@\"\n", log, compiler(t).path)
	require.NoError(t, os.WriteFile(script, []byte(text), 0o755))
	own := *compiler(t)
	own.path, own.cache = script, cache
	return &own, func() int {
		b, _ := os.ReadFile(log)
		return strings.Count(string(b), "run")
	}
}

func in(dir string) *cache { return &cache{folder: func() (string, error) { return dir, nil }} }

func runTiny(t *testing.T, c *Compiler, text string) {
	t.Helper()
	m, err := c.Compile(t.Context(), []byte(text), Options{})
	require.NoError(t, err)
	out := make([]float32, 4)
	require.NoError(t, m.Run("k", Dispatch{Groups: 1, Threads: 4, Buffers: buffers(raw(out))}))
	expect(t, out, 0, func(int) float64 { return 2 })
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder, with a comma")
	require.NoError(t, os.Mkdir(dir, 0o755))
	c, runs := counted(t, in(dir))
	runTiny(t, c, tiny)
	first := runs()
	require.Positive(t, first)
	runTiny(t, c, tiny)
	require.Equal(t, first, runs(), "the same source runs no clang")
	other, otherRuns := counted(t, in(dir))
	runTiny(t, other, tiny)
	require.Zero(t, otherRuns(), "nor does another compiler with the same cache")
	_, err := c.Compile(t.Context(), []byte(tiny), Options{Checked: true})
	require.NoError(t, err)
	require.Greater(t, runs(), first, "a checked module is another")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, left, 3, "the runner and two modules: %v", left)
}

// TestDamagedCache: files that were cut short or changed are built again, not loaded. The process has not loaded these before.
func TestDamagedCache(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut short": func(data []byte) []byte { return data[:len(data)/2] },
		"changed": func(data []byte) []byte {
			data[len(data)/2] ^= 1
			return data
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, runs := counted(t, in(dir))
			text := tiny + "// " + name
			runTiny(t, c, text)
			files, err := filepath.Glob(filepath.Join(dir, "module-*.so"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			data, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.NoError(t, os.Remove(files[0])) // what is loaded keeps its file
			require.NoError(t, os.WriteFile(files[0], damage(data), 0o644))
			before := runs()
			runTiny(t, c, text)
			require.Greater(t, runs(), before)
		})
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	t.Setenv("XDG_CACHE_HOME", file) // no folder can be made in a file, whoever asks
	c, runs := counted(t, newCache())
	runTiny(t, c, tiny)
	require.Positive(t, runs())
	dir, err := c.cache.folder()
	require.NoError(t, err)
	require.Contains(t, dir, os.TempDir())
	require.NoError(t, os.RemoveAll(dir))
}

// TestSameTimeSameSource: of several builds of one source, all succeed.
func TestSameTimeSameSource(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		c, _ := counted(t, in(dir)) // as another process
		wg.Go(func() { _, errs[i] = c.Compile(t.Context(), []byte(tiny), Options{}) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := compiler(t).Compile(ctx, []byte(tiny+"// cancelled"), Options{})
	require.ErrorIs(t, err, context.Canceled)
}
