package jinja

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestProvenance: texts are made of letters, which are input, and digits and
// signs, which are the template's. Whatever a template does to them, all letters
// of the output are input and no digit is.
func TestProvenance(t *testing.T) {
	ops := []string{
		"x", "x[1:]", "x[:-1]", "x[::-1]", "x[2]", "x.strip()", "x.strip('1a')", "x.lstrip('a')", "x.rstrip()",
		"x|trim", "x|upper", "x|title", "x|capitalize", "x|indent(1, true)", "x|reverse", "x ~ '7' ~ x", "x + x",
		"x * 2", "x.split('a')|join('8')", "x.split()|join(x)", "x.split('1', 1)|last", "x.rsplit('b', 1)|first",
		"x.splitlines()|join('9')", "x.replace('a', '5')", "x|replace('1', x)", "x.removeprefix('a')",
		"x|list|unique|join", "x|list|sort|join(' ')", "[x, x]|map('trim')|join('-')", "{'1': x}['1']",
		"{'1': x}.items()|map('last')|join", "[x]|first", "x.title()", "x|string", "x|default('4')",
	}
	piece := rapid.Custom(func(t *rapid.T) Text {
		if rapid.Bool().Draw(t, "input") {
			return InputText(rapid.StringMatching("[abcé ]{0,4}").Draw(t, "letters"))
		}
		return TemplateText(rapid.StringMatching("[0-9\n -]{0,4}").Draw(t, "digits"))
	})
	rapid.Check(t, func(t *rapid.T) {
		var b textBuilder
		for _, p := range rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces") {
			b.add(p)
		}
		x := b.text()
		for range 3 {
			op := rapid.SampledFrom(ops).Draw(t, "op")
			template, err := Parse("{{ " + op + " }}")
			require.NoError(t, err)
			out, err := template.Render(map[string]Value{"x": x}, Env{})
			require.NoError(t, err)
			x = out
			for i, r := range x.s {
				input := false
				for _, span := range x.input {
					input = input || span.From <= i && i < span.To
				}
				require.False(t, unicode.IsLetter(r) && !input, "%s: letter at %d of %q, input %v", op, i, x.s, x.input)
				require.False(t, unicode.IsDigit(r) && input, "%s: digit at %d of %q, input %v", op, i, x.s, x.input)
			}
		}
	})
}

// TestDerived: what keeps no positions counts as input as a whole.
func TestDerived(t *testing.T) {
	for _, op := range []string{"x|tojson", "[x]", "{'a': x}", "strftime_now(x)"} {
		template, err := Parse("{{ " + op + " }}")
		require.NoError(t, err)
		out, err := template.Render(map[string]Value{"x": InputText("<|end|>")}, Env{})
		require.NoError(t, err)
		at := strings.Index(out.s, "<|end|>")
		require.GreaterOrEqual(t, at, 0)
		require.Len(t, out.input, 1)
		require.LessOrEqual(t, out.input[0].From, at)
		require.GreaterOrEqual(t, out.input[0].To, at+len("<|end|>"))
	}
}
