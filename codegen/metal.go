package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// MetalStds are the versions of Metal's language that kernels can be compiled for, the default first.
var MetalStds = []string{"3.1", "3.2"}

// MetalSource is the one file of Metal, and MetalLibrary what it is compiled to.
const (
	MetalSource  = "kernels.metal"
	MetalLibrary = "kernels.metallib"
)

// BuildMetal compiles the source for a version of Metal's language, where Apple's compiler is. Elsewhere there is no library: the
// device that runs the kernels compiles the source.
func BuildMetal(sources map[string][]byte, stds []string) (map[string][]byte, error) {
	std := MetalStds[0]
	switch {
	case len(stds) > 1:
		return nil, fmt.Errorf("a Metal library is of one version of the language, not %s", strings.Join(stds, " and "))
	case len(stds) == 1:
		std = stds[0]
	}
	if !slices.Contains(MetalStds, std) {
		return nil, fmt.Errorf("unknown version of Metal %q: want %s", std, strings.Join(MetalStds, " or "))
	}
	if xcrun("-find", "metal") != nil {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "llorch-metal-")
	if err != nil {
		return nil, err
	}
	lib, err := metalLibrary(dir, sources[MetalSource], std)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, fmt.Errorf("kernels for Metal %s: %w", std, err)
	}
	return map[string][]byte{MetalLibrary: lib}, nil
}

// metalLibrary compiles in a folder.
func metalLibrary(dir string, source []byte, std string) ([]byte, error) {
	src, air, lib := filepath.Join(dir, MetalSource), filepath.Join(dir, "kernels.air"), filepath.Join(dir, MetalLibrary)
	if err := os.WriteFile(src, source, 0o600); err != nil {
		return nil, err
	}
	if err := xcrun("metal", "-std=metal"+std, "-fno-fast-math", "-c", src, "-o", air); err != nil {
		return nil, err
	}
	if err := xcrun("metallib", air, "-o", lib); err != nil {
		return nil, err
	}
	return os.ReadFile(lib)
}

// xcrun runs a tool of Xcode's; what it complains of is in the error.
func xcrun(args ...string) error {
	var complaints bytes.Buffer
	cmd := exec.Command("xcrun", append([]string{"-sdk", "macosx"}, args...)...)
	cmd.Stderr = &complaints
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("xcrun %s: %w\n%s", args[0], err, strings.TrimSpace(complaints.String()))
	}
	return nil
}
