package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// repeatable are the commands of the README whose output is the same on every machine. Of the others, times and models differ.
var repeatable = regexp.MustCompile(`^llorch (check ir/|run --seed|ir models/|compile models/.* --target cpu)`)

// measured are lines that differ from run to run: a time, and the folder that was written.
var measured = regexp.MustCompile(` ms$|^wrote `)

// TestReadme: what the README shows of a command is what it prints.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	ran := 0
	for _, shown := range regexp.MustCompile(`(?ms)^\$ (?:go run \./cmd/)?(llorch [^\n]*)\n((?:[^$\x60\n][^\n]*\n)*)`).FindAllStringSubmatch(string(readme), -1) {
		command, _, _ := strings.Cut(shown[1], " #")
		command, _, _ = strings.Cut(command, " | ")
		if !repeatable.MatchString(command) {
			continue
		}
		ran++
		var args []string
		for i, part := range strings.Split(strings.TrimSpace(command), `"`) {
			if i%2 == 1 {
				args = append(args, part) // between quotes
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		if args[1] == "compile" {
			args[len(args)-1] = t.TempDir() + "/out"
		}
		out := &strings.Builder{}
		run(&env{t.Context(), strings.NewReader(""), out, out}, args[1:])
		for _, line := range strings.Split(strings.TrimSpace(shown[2]), "\n") {
			if !measured.MatchString(line) {
				require.Contains(t, out.String(), line, command)
			}
		}
	}
	require.Equal(t, 4, ran, "commands of the README")
}
