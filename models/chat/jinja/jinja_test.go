package jinja

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var golden = Env{Now: time.Date(2024, 7, 26, 15, 4, 5, 0, time.UTC)}

// conversation is "system turns" of ../testdata/conversations.json.
func conversation() map[string]Value {
	list := NewList()
	for _, m := range [][2]string{{"system", " You are terse.\n"}, {"user", "1+1?"}, {"assistant", "2"}, {"user", "2+2?"}} {
		d := NewDict()
		d.Set("role", TemplateText(m[0]))
		d.Set("content", InputText(m[1]))
		list.items = append(list.items, d)
	}
	return map[string]Value{"messages": list, "add_generation_prompt": true, "tools": nil,
		"bos_token": TemplateText("<s>"), "eos_token": TemplateText("</s>")}
}

// TestCases compares small templates with jinja2. cases.json is made from
// cases.txt by ../../testdata/golden.py.
func TestCases(t *testing.T) {
	data, err := os.ReadFile("testdata/cases.json")
	require.NoError(t, err)
	var cases []struct{ Source, Text, Error string }
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.Source[:min(len(c.Source), 20)], func(t *testing.T) {
			text, err := render(c.Source)
			if c.Error != "" {
				require.Error(t, err, "%s\njinja2 says: %s\nhere: %s", c.Source, c.Error, text)
				return
			}
			require.NoError(t, err, c.Source)
			require.Equal(t, c.Text, text.String(), c.Source)
		})
	}
}

func render(source string) (Text, error) {
	t, err := Parse(source)
	if err != nil {
		return Text{}, err
	}
	return t.Render(conversation(), golden)
}

// TestRefused lists what jinja2 would render and this package refuses, since its
// result would differ.
func TestRefused(t *testing.T) {
	for source, want := range map[string]string{
		"{{ ('<'|safe) ~ '<' }}":                      "line 1: a safe str can only be printed here",
		"{{ ('<'|safe) == '<' }}":                     "line 1: values of type safe str cannot be compared",
		"{{ 'x' == ('<'|safe) }}":                     "line 1: a safe str cannot be compared here",
		"{{ '<'|safe|upper }}":                        "line 1: a safe str can only be printed here",
		"{{ 'straße'|upper }}":                        "line 1: the case of 'ß' is not understood",
		"{{ 9223372036854775807 + 1 }}":               "line 1: the result of 9223372036854775807 + 1 does not fit in 64 bits",
		"{{ 99999999999999999999 }}":                  "line 1: the integer 99999999999999999999 does not fit in 64 bits",
		"{{ '%s' % 1 }}":                              "line 1: '%' between str and int is not understood",
		"{{ 'a b'.split(none, 1) }}":                  "line 1: split with a maxsplit and no separator is not understood",
		"{{ '1_0'|int }}":                             `line 1: the number in "1_0" is not understood`,
		"{{ '²'.isdigit() }}":                         `line 1: isdigit of "²" is not understood`,
		"\n{% for x in [] recursive %}{% endfor %}":   "line 2: recursive loops are not understood",
		"{% macro f() %}{{ caller() }}{% endmacro %}": "line 1: 'caller' in a macro is not understood",
		"{{ range(*[1]) }}":                           "line 1: '*' in a call is not understood",
		"{{ strftime_now('%c') }}":                    "line 1: strftime_now: %c is not understood",
		"{{ cycler('a') }}":                           "line 1: cycler is undefined, so it cannot be called",
		"{{ {1: 2} }}":                                "line 1: a dict's key must be a str here",
		"{{ 'a'|wordwrap }}":                          "line 1: the filter 'wordwrap' is not understood",
	} {
		_, err := render(source)
		require.EqualError(t, err, want, source)
	}
}
