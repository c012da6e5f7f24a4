package op_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/llorch/llorch/ir/op"
)

// TestEveryConstraintFails holds that each numbered constraint of each row has a graph in testdata/wrong that breaks it, and
// that no diagnosis names a constraint that its row does not list.
func TestEveryConstraintFails(t *testing.T) {
	told := map[string]bool{}
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\[\w+\.\d+\]\n`).FindAll(txtar.Parse(data).Files[1].Data, -1) {
			told[string(m[:len(m)-1])] = true
		}
	}
	for _, row := range op.Rows {
		for i, text := range row.Constraints {
			rule := fmt.Sprintf("[%s.%d]", row.Name, i+1)
			if !told[rule] {
				t.Errorf("no graph in testdata/wrong breaks %s: %s", rule, text)
			}
			delete(told, rule)
		}
	}
	require.Empty(t, told, "rules that no row lists")
}

// TestRowsAreComplete holds what the class of an op says it must have.
func TestRowsAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, row := range op.Rows {
		require.False(t, names[row.Name], "%s occurs twice", row.Name)
		names[row.Name] = true
		require.NotEmpty(t, row.Doc, row.Name)
		require.NotNil(t, row.Infer, row.Name)
		require.NotEmpty(t, row.Class.String(), row.Name)
		cases := map[string]bool{}
		for _, c := range row.Cases {
			require.False(t, cases[c.Name], "case %s of %s occurs twice", c.Name, row.Name)
			cases[c.Name] = true
		}
		if len(row.Args) > 0 {
			require.NotNil(t, row.Eval, row.Name)
			require.NotEmpty(t, row.Cases, row.Name)
		}
	}
}
