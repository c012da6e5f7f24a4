package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// quoted are the words in backticks.
var quoted = regexp.MustCompile("`([^`]+)`")

// TestTopics: a path that a topic or the README names, in backticks or at the beginning of an indented line, is there, and so is a
// command of llorch.
func TestTopics(t *testing.T) {
	require.NotEmpty(t, topics())
	texts := map[string]string{}
	for _, name := range topics() {
		texts[name] = topic(name)
		require.True(t, strings.HasPrefix(texts[name], "# "), name)
		for i, line := range strings.Split(texts[name], "\n") {
			require.LessOrEqual(t, len(line), 140, "%s:%d", name, i+1)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	texts["README"] = string(readme)
	path := regexp.MustCompile(`^(ir|passes|codegen|runtime|models|cmd|gen|\.ci)(/[A-Za-z0-9_.-]+)*/?$`)
	listed := regexp.MustCompile(`(?m)^ {4}([^ \n]+)`)
	command := regexp.MustCompile(`(?m)^(?: {4}|\$ )(?:\$ )?llorch ([a-z]+)`)
	for name, text := range texts {
		for _, m := range append(quoted.FindAllStringSubmatch(text, -1), listed.FindAllStringSubmatch(text, -1)...) {
			if path.MatchString(m[1]) && strings.Contains(m[1], "/") {
				_, err := os.Stat(filepath.Join("../..", m[1]))
				require.NoError(t, err, "%s names %s", name, m[1])
			}
		}
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			require.Contains(t, commandNames(t), m[1], name)
		}
	}
}

// commandNames are those of the command line.
func commandNames(t *testing.T) []string {
	var names []string
	out, errs := &strings.Builder{}, &strings.Builder{}
	require.Zero(t, run(&env{t.Context(), strings.NewReader(""), out, errs}, []string{"--help"}), errs)
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) {2,}`).FindAllStringSubmatch(out.String(), -1) {
		names = append(names, m[1])
	}
	return names
}
