package emulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// ErrNotFound is in the error of Find when clang 19 is not there.
var ErrNotFound = errors.New("metal emulator: clang 19 was not found")

const install = "apt-get install clang-19 libclang-rt-19-dev, or name a clang of version 19 or newer in LLORCH_CLANG"

// Find finds clang, once: the file that LLORCH_CLANG names, and nothing else then; clang-19; or clang, if it is new enough.
func Find() (*Compiler, error) { return find() }

var find = sync.OnceValues(func() (*Compiler, error) {
	return system{runtime.GOOS, runtime.GOARCH, os.Getenv, exec.LookPath}.find()
})

// system is what the search sees of a machine.
type system struct {
	goos, goarch string
	env          func(name string) string
	look         func(program string) (file string, err error)
}

func (s system) find() (*Compiler, error) {
	if s.goos != "linux" || s.goarch != "amd64" {
		return nil, fmt.Errorf("metal emulator: it runs kernels on linux/amd64 only, and this is %s/%s", s.goos, s.goarch)
	}
	names := []string{"clang-19", "clang"}
	named := s.env("LLORCH_CLANG")
	if named != "" {
		names = []string{named}
	}
	reason := "no clang-19 or clang in PATH"
	for _, name := range names {
		file, err := s.look(name)
		if err != nil {
			if named != "" {
				reason = fmt.Sprintf("LLORCH_CLANG=%s: %v", named, err)
			}
			continue
		}
		c, err := probe(file)
		if err == nil {
			return c, nil
		}
		reason = err.Error()
	}
	return nil, fmt.Errorf("%w: %s: %s", ErrNotFound, reason, install)
}

var clangVersion = regexp.MustCompile(`clang version (\d+)\.`)

// probe asks a clang for its version and its runtime library, which has the conversions of bfloat that gcc's may lack.
func probe(file string) (*Compiler, error) {
	c := &Compiler{path: file, cache: newCache(), native: native()}
	version, err := c.run(context.Background(), "", "--version")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	m := clangVersion.FindStringSubmatch(version)
	if m == nil {
		return nil, fmt.Errorf("%s is not clang: it says %q", file, strings.TrimSpace(version))
	}
	if n, _ := strconv.Atoi(m[1]); n < 19 {
		return nil, fmt.Errorf("%s is of version %s", file, m[1])
	}
	lib, err := c.run(context.Background(), "", "-rtlib=compiler-rt", "-print-libgcc-file-name")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := os.Stat(strings.TrimSpace(lib)); err != nil {
		return nil, fmt.Errorf("%s has no runtime library: %w", file, err)
	}
	c.version = version
	return c, nil
}

// native is what makes clang use this machine's instructions: without them, half, bfloat and fma are calls.
func native() []string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	_, flags, _ := strings.Cut(string(info), "\nflags")
	flags, _, _ = strings.Cut(flags, "\n")
	for _, need := range strings.Fields("avx2 bmi1 bmi2 f16c fma movbe") {
		if !strings.Contains(flags+" ", " "+need+" ") {
			return nil
		}
	}
	return []string{"-march=x86-64-v3"}
}
