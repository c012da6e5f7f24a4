package verify

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/runtime"
)

// sourceOf is where a kernel begins in what a target emits: "kernels.cu:120", or "" where it is not to be found.
func sourceOf(c *codegen.Compiled, k *runtime.Kernel) string {
	files, err := c.Target.Sources(c.Program, c.Kernels)
	if err != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if src := files[name]; utf8.Valid(src) {
			if line := lineOf(string(src), k); line > 0 {
				return fmt.Sprintf("%s:%d", name, line)
			}
		}
	}
	return ""
}

var runs = regexp.MustCompile(`Run: (\w+)`)

// lineOf is the line, from 1, on which k's function begins, or 0. Where the source has a table of kernels by key, that knows the
// function's name.
func lineOf(src string, k *runtime.Kernel) int {
	name := k.Name
	lines := strings.Split(src, "\n")
	for _, l := range lines {
		if m := runs.FindStringSubmatch(l); m != nil && strings.Contains(l, `"`+k.Key+`"`) {
			name = m[1]
		}
	}
	begins := regexp.MustCompile(`^(func|.*\bvoid\b.*) ` + regexp.QuoteMeta(name) + `\(`)
	for i, l := range lines {
		if begins.MatchString(l) {
			return i + 1
		}
	}
	return 0
}
