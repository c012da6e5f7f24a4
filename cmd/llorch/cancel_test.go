package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cancelling cancels a context at its first write, as an impatient user would.
type cancelling struct {
	out    bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return c.out.Write(p)
}

// TestInterrupt: Ctrl-C ends a generation with what is certain so far, a newline, and exit status 130.
func TestInterrupt(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(model, tinyGGUF(), 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	out := &cancelling{cancel: cancel}
	var errs bytes.Buffer
	status := run(&env{ctx, strings.NewReader(""), out, &errs}, []string{"run", model, "--ids", "1,264", "-n", "40", "--ignore-eos"})
	require.Equal(t, 130, status)
	require.Equal(t, "llorch: interrupted\n", errs.String())
	require.True(t, strings.HasSuffix(out.out.String(), "\n"))
	require.Less(t, len(strings.Fields(out.out.String())), 40)
}

// TestInterruptedCompile: Ctrl-C while an artifact is written leaves nothing behind.
func TestInterruptedCompile(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "m.gguf")
	require.NoError(t, os.WriteFile(model, tinyGGUF(), 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	status := run(&env{ctx, strings.NewReader(""), &out, &errs}, []string{"compile", model, "--target", "cpu", "-o", filepath.Join(dir, "a")})
	require.Equal(t, 130, status)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "only the model is there")
}
