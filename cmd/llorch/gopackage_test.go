package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStoriesPackage: the real 260K-parameter Llama as a Go package, in a program of a module of its own, says what another runtime
// said.
func TestStoriesPackage(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "models", "stories260k")
	b, err := os.ReadFile(filepath.Join(shared, "expected.json"))
	if err != nil {
		t.Skipf("needs %s", shared)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	var want struct {
		Greedy []struct{ Prompt, Text string }
	}
	require.NoError(t, json.Unmarshal(b, &want))
	require.Len(t, want.Greedy, 3)

	dir := t.TempDir()
	for _, name := range []string{"go.mod", "main.go"} {
		text, err := os.ReadFile(filepath.Join("testdata", "storyteller", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o666))
	}
	runOK(t, "compile", "--target", "go", "--package", "story", "-o", filepath.Join(dir, "story"), filepath.Join(shared, "stories260k-f32.gguf"))
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	goCommand := func(args ...string) {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), append(goSettings(), "GOMODCACHE="+filepath.Join(dir, "modules"))...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	goCommand("mod", "edit", "-replace=github.com/llorch/llorch="+root)
	goCommand("build", "-o", "storyteller")
	for _, c := range want.Greedy {
		out, err := exec.Command(filepath.Join(dir, "storyteller"), "-temp", "0", "-n", "200", c.Prompt).Output()
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(c.Text, "<s>", "")+"\n", string(out), "control tokens have no text")
	}
}

// TestInterruptedPackage: Ctrl-C while a package is written leaves the one before it, or nothing.
func TestInterruptedPackage(t *testing.T) {
	dir := t.TempDir()
	model, story := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "story")
	require.NoError(t, os.WriteFile(model, tinyGGUF(), 0o644))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	interrupted := func() {
		var out, errs bytes.Buffer
		status := run(&env{ctx, strings.NewReader(""), &out, &errs}, []string{"compile", model, "--target", "go", "--package", "story", "-o", story})
		require.Equal(t, 130, status, errs.String())
	}
	interrupted()
	require.NoDirExists(t, story)
	runOK(t, "compile", model, "--target", "go", "--package", "story", "-o", story)
	interrupted()
	left, err := os.ReadDir(story)
	require.NoError(t, err)
	require.Len(t, left, 4)
}
