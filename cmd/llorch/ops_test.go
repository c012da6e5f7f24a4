package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/op"
)

// TestOpsMarkdown holds the page against the table: go generate writes it anew.
func TestOpsMarkdown(t *testing.T) {
	page, err := os.ReadFile("../../ir/op/OPS.md")
	require.NoError(t, err)
	require.Equal(t, opsMarkdown(op.Rows), string(page), "go generate ./cmd/llorch writes ir/op/OPS.md")
}

// Every op says what it is, and what it demands.
func TestOpsAreDescribed(t *testing.T) {
	for _, o := range op.Rows {
		require.NotEmpty(t, o.Doc, o.Name)
		require.NotContains(t, signature(o), "=}", o.Name)
		require.NotContains(t, signature(o), "=,", o.Name)
	}
}
