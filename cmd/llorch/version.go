package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/runtime/cpu"
)

type versionCmd struct{}

// release is set by the linker for released binaries.
var release = "dev"

// version is the release, or what the build knows of the commit.
func version() string {
	if release != "dev" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return release
}

func (versionCmd) Run(e *env) error {
	var targets []string
	for _, t := range codegen.Targets {
		targets = append(targets, t.Name)
	}
	fmt.Fprintf(e.stdout, "llorch %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Fprintf(e.stdout, "targets: %s\n", strings.Join(targets, ", "))
	fmt.Fprintf(e.stdout, "cpu levels: %s\n", strings.Join(cpu.Levels(), ", "))
	return nil
}
