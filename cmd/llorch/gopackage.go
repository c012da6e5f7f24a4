package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/codegen/gopkg"
	"github.com/llorch/llorch/runtime/packaged"
)

// goPackage is what compile is told about a Go package.
type goPackage struct {
	Package string `placeholder:"NAME" help:"Name of the Go package; it goes into the folder NAME, or into the current one when go generate runs in that package."`
	Weights string `enum:"embed,file," default:"" help:"Where the weights of a Go package are: embed (the default) puts them into the binary, file beside it."`
}

// check refuses flags that do not go with the target.
func (g *goPackage) check(target string) error {
	switch {
	case target != packaged.Target && g.Package != "":
		return fmt.Errorf("--package is for target %s, not %s", packaged.Target, target)
	case target != packaged.Target && g.Weights != "":
		return fmt.Errorf("--weights is for target %s, not %s", packaged.Target, target)
	case target != packaged.Target:
		return nil
	case g.Package == "":
		return errors.New("target go needs a name for the package: --package")
	}
	return gopkg.CheckName(g.Package)
}

// dir is where the package goes when -o is output.
func (g *goPackage) dir(output string) string {
	if os.Getenv("GOPACKAGE") == g.Package { // set by go generate
		return cmp.Or(output, ".")
	}
	return cmp.Or(output, g.Package)
}

func (g *goPackage) options(model string) gopkg.Options {
	if abs, err := filepath.Abs(model); err == nil {
		model = abs
	}
	return gopkg.Options{Name: g.Package, Source: filepath.Base(model), Embed: g.Weights != "file"}
}
