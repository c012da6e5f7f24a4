package clike_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLoopsToTheLetter: a loop that does anything else than attention is spelled as it stands.
func TestLoopsToTheLetter(t *testing.T) {
	for _, file := range []string{"attnMixed_1", "attnMixed_2"} {
		text, err := os.ReadFile("testdata/" + file + ".kernel")
		require.NoError(t, err)
		src, _ := emit(t, options(), parse(t, string(text)))
		require.Contains(t, src, "attended.run(")
		for name, change := range map[string][2]string{
			"another weight":      {"-inf) - most)", "-inf) - top)"},
			"a sum not rescaled":  {"*scale + total", "+ total"},
			"a maximum forgotten": {"] = most", "] = top"},
			"values not rescaled": {"] * scale", "] * top"},
			"other keys":          {", rows, s[", ", 32, s["},
			"another's score":     {"+c2]*0.17", "]*0.17"},
			"rows of others":      {"rows := min(64,", "rows := min(32,"},
		} {
			changed := strings.ReplaceAll(string(text), change[0], change[1])
			require.NotEqual(t, string(text), changed, name)
			src, _ := emit(t, options(), parse(t, changed))
			require.NotContains(t, src, "attended.run(", "%s: %s", file, name)
		}
	}
}
