package jinja

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hostile are templates that would take all time, memory or stack, each with a
// part of the error that stops it.
var hostile = []struct{ name, source, stopped string }{
	{"range", "{% for i in range(10**9) %}{% endfor %}", "more than 100000 values"},
	{"range of ints at the edge", "{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807) }}", "too large"},
	{"nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"},
	{"loops of loops of text", "{% for a in range(99999) %}{% for b in range(99999) %}aaaaaaaaaa{% endfor %}{% endfor %}", "stopped"},
	{"output", "{% set x = 'a' * 100000 %}{% for b in range(99999) %}{{ x }}{% endfor %}", "output"},
	{"recursion", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "nested deeper"},
	{"mutual recursion", "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}", "nested deeper"},
	{"recursion in defaults", "{% macro f(x=f()) %}{% endmacro %}{{ f() }}", "nested deeper"},
	{"tree recursion", "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}", "steps"},
	{"multiplied str", "{{ ('a' * 10**10)|length }}", "cannot make a str"},
	{"multiplied str, overflow", "{{ ('aaaa' * 4611686018427387905)|length }}", "cannot make a str"},
	{"doubled str", "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "bytes"},
	{"doubled str by replace", "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x|replace('a', ns.x) %}{% endfor %}", "replace"},
	{"doubled list", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "bytes"},
	{"shared list printed", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "steps"},
	{"shared list compared", "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}", "steps"},
	{"deep list", "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}", "nested deeper"},
	{"deep list as JSON", "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}", "nested deeper"},
	{"itself", "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}", "cannot be printed"},
	{"searches", "{% set x = 'a' * 1000000 %}{% for i in range(99999) %}{{ 'b' in x }}{% endfor %}", "bytes"},
	{"strips", "{% set x = 'a' * 1000000 %}{% for i in range(99999) %}{{ x.strip(x) }}{% endfor %}", "bytes"},
	{"characters", "{% for c in 'a' * 10000000 %}{% endfor %}", "bytes"},
	{"power", "{{ 9 ** 999999999999 }}", "64 bits"},
	{"power of one", "{{ 1 ** 9223372036854775807 }}{{ nosuch.x }}", "undefined"},
	{"minus the least int", "{{ -9223372036854775807 - 2 }}", "64 bits"},
	{"least int by minus one", "{{ (-9223372036854775807 - 1) // -1 }}", "64 bits"},
	{"indented JSON", "{{ [[[[1]]]]|tojson(indent=1000000000) }}", "indent"},
	{"files", "{% include '/etc/passwd' %}", "not understood"},
	{"imports", "{% import 'x' as y %}", "not understood"},
	{"inheritance", "{% extends 'x' %}", "not understood"},
	{"Python's insides", "{{ ''.__class__.__mro__ }}", "undefined"},
	{"namespace's insides", "{{ namespace().__init__.__globals__ }}", "undefined"},
	{"changing a message", "{{ messages.append(1) }}", "undefined"},
	{"deep brackets", "{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}", "nested deeper"},
	{"deep not", "{{ " + strings.Repeat("not ", 100_000) + "1 }}", "nested deeper"},
	{"deep minus", "{{ " + strings.Repeat("- ", 100_000) + "1 }}", "nested deeper"},
	{"deep blocks", strings.Repeat("{% if 1 %}", 100_000), "nested deeper"},
	{"long chain", "{{ 1" + strings.Repeat(" + 1", 100_000) + " }}", "nested deeper"},
	{"long attributes", "{{ x" + strings.Repeat(".a", 100_000) + " }}", "nested deeper"},
	{"long filters", "{{ x" + strings.Repeat("|trim", 100_000) + " }}", "nested deeper"},
	{"long source", strings.Repeat("a", maxSource+1), "the limit is"},
}

// tight are the standard limits at a scale that suits tests.
var tight = limits{steps: 200_000, work: 32 << 20, depth: standard.depth, output: standard.output}

func TestHostile(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			template, err := Parse(c.source)
			if err == nil {
				_, err = template.render(conversation(), golden, tight)
			}
			require.ErrorContains(t, err, c.stopped)
			require.Regexp(t, `^line \d+: `, err.Error())
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// TestStandardLimits: Render itself ends, and soon.
func TestStandardLimits(t *testing.T) {
	start := time.Now()
	_, err := render(hostile[2].source)
	require.EqualError(t, err, "line 1: stopped after 5000000 steps")
	require.Less(t, time.Since(start), time.Minute)
}

// TestLongConversation: the limits leave room for what is long but real.
func TestLongConversation(t *testing.T) {
	source, err := os.ReadFile("../testdata/templates/qwen3.jinja")
	require.NoError(t, err)
	template, err := Parse(string(source))
	require.NoError(t, err)
	list := NewList()
	for i := range 4000 {
		d := NewDict()
		d.Set("role", TemplateText([]string{"user", "assistant"}[i%2]))
		d.Set("content", InputText(strings.Repeat(fmt.Sprintf("word %d ", i), 100)))
		list.items = append(list.items, d)
	}
	text, err := template.Render(map[string]Value{"messages": list, "add_generation_prompt": true}, Env{})
	require.NoError(t, err)
	require.Greater(t, len(text.String()), 4_000_000)
}

// FuzzRender: any source renders or fails with an error of one line.
func FuzzRender(f *testing.F) {
	paths, err := filepath.Glob("../testdata/templates/*.jinja")
	require.NoError(f, err)
	for _, path := range paths {
		source, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(string(source))
	}
	for _, c := range hostile {
		if len(c.source) < 1000 {
			f.Add(c.source)
		}
	}
	small := limits{steps: 20_000, work: 1 << 20, depth: 100, output: 1 << 16}
	f.Fuzz(func(t *testing.T, source string) {
		template, err := Parse(source)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		text, err := template.render(conversation(), golden, small)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		last := 0
		for _, span := range text.Input() {
			require.LessOrEqual(t, last, span.From)
			require.Less(t, span.From, span.To)
			last = span.To
		}
		require.LessOrEqual(t, last, len(text.String()))
	})
}
