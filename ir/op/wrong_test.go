package op_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/op"
)

var update = flag.Bool("update", false, "rewrite golden texts")

// TestWrongGraphs holds the diagnoses of graphs that must not compile against their golden texts, word for word.
func TestWrongGraphs(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	require.NoError(t, err)
	require.Greater(t, len(files), 12)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			g, err := ir.Parse("graph.ir", string(a.Files[0].Data), op.Table)
			require.NoError(t, err)
			err = ir.Verify(g)
			require.Error(t, err, "the graph must be refused")
			got := err.Error() + "\n"
			if *update {
				a.Files[1].Data = []byte(got)
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o644))
			}
			require.Equal(t, string(a.Files[1].Data), got)
		})
	}
}
