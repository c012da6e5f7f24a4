package emulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// The Go files are there for the cache's keys: who changes one gets other modules.
//
//go:embed shim runner build.go entry.go instrument.go ir.go irtype.go signature.go strict.go
var embedded embed.FS

var goFiles = []string{"build.go", "entry.go", "instrument.go", "ir.go", "irtype.go", "signature.go", "strict.go"}

// The files of shim and runner in the order in which they are compiled, as one.
var (
	shimFiles   = []string{"types.h", "vector.h", "math.h", "limits.h", "packed.h", "simdgroup.h", "matrix.h", "atomic.h", "constructors.h"}
	runnerFiles = []string{"run.h", "fiber.cc", "sync.cc", "shadow.cc", "access.cc", "dispatch.cc"}
)

// joined is the text of files of a folder, without their includes of each other.
func joined(folder string, files []string) string {
	var b strings.Builder
	for _, f := range files {
		text, err := embedded.ReadFile(path.Join(folder, f))
		if err != nil {
			panic(err) // the list above is wrong
		}
		fmt.Fprintf(&b, "#line 1 \"metal_stdlib/%s\"\n", f)
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, `#include "`) || strings.HasPrefix(line, "#pragma once") {
				line = "\n"
			}
			b.WriteString(line)
		}
	}
	return b.String()
}

// Compiler compiles and loads modules. It is safe for use by several goroutines.
type Compiler struct {
	path    string   // of clang
	version string   // all that it says of itself
	native  []string // flags for this machine's instructions
	cache   *cache
}

// run returns what clang prints for an input.
func (c *Compiler) run(ctx context.Context, input string, args ...string) (stdout string, err error) {
	var out, diagnostics bytes.Buffer
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &diagnostics
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", &clangError{err, diagnostics.String()}
	}
	return out.String(), nil
}

type clangError struct {
	err  error
	text string // what it printed
}

// Error is short even where clang itself crashes, and prints its stack.
func (e *clangError) Error() string {
	return fmt.Sprintf("clang: %v\n%.2000s", e.err, e.text)
}
func (e *clangError) Unwrap() error { return e.err }

// runner builds the library that runs kernels, unless the cache has it.
func (c *Compiler) runner(ctx context.Context) (file string, err error) {
	source := runnerSource()
	args := slices.Concat(strings.Fields("-x c++ -std=c++17 -O2 -fPIC -shared -fno-exceptions -fno-rtti -nostdlib++ -Wall -Wextra -Werror"), c.native)
	return c.cache.file("runner-", c.key(source, args), func(out string) error {
		_, err := c.run(ctx, source, append(args, "-o", out, "-")...)
		return err
	})
}

// key is a hash of all that shapes a result.
func (c *Compiler) key(source string, args []string) string {
	h := sha256.New()
	for _, s := range append([]string{c.version, source}, args...) {
		fmt.Fprintf(h, "%d %s", len(s), s)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}
