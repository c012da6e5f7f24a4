// Package gopkg makes a Go package of a compiled model, which is what `llorch compile --target go` writes and go generate asks for:
//
//	NAME.go        what the package's user calls: a few functions that forward to runtime/packaged    api.go, api.go.tmpl
//	kernels.go     the kernels, with the model's sizes as literals                                    constants.go
//	manifest.json  the program that launches them, and the vocabulary, as in an artifact
//	weights.bin    the weights, as in an artifact; embedded in the binary or opened by path           write.go
//
// Such a package imports the standard library and llorch's own packages runtime/packaged, runtime/cpu and the tiles, which import
// nothing else. Making one takes no Go toolchain. The same model, name and version of llorch give the same bytes.
package gopkg

import (
	"fmt"
	"go/token"
	"strings"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/runtime"
)

// Options say what the package is.
type Options struct {
	Name   string // of the package
	Source string // what the model was read from, without its folder: named in the header
	Embed  bool   // the weights are part of the binary; otherwise their path is given when the model is opened
}

// maxEmbed is the size of the largest file that Go's compiler embeds.
const maxEmbed = 2e9

// kernelsFile holds the kernels.
const kernelsFile = "kernels.go"

// CheckName says why a package cannot have a name.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a Go package needs a name")
	case !token.IsIdentifier(name) || strings.Trim(name, "_") == "":
		return fmt.Errorf("%q is no name for a Go package: want an identifier", name)
	case name == "main":
		return fmt.Errorf("a package named main cannot be imported")
	case goFile(name) == kernelsFile:
		return fmt.Errorf("a package named %s would have two files %s", name, kernelsFile)
	}
	return nil
}

// goFile is the name of the file of a package's API. Underscores are left out, since the go command takes story_test.go or
// story_arm64.go for a file that is not always built.
func goFile(name string) string { return strings.ReplaceAll(name, "_", "") + ".go" }

// Write makes the package in dir, which may hold other files; those of an earlier package of the same name are replaced. The
// program p was compiled for runtime/packaged's target, ks are its kernels in the program's order. See write.go for what a
// failure leaves.
func Write(dir string, o Options, p *runtime.Program, ks []*kernel.Kernel, w runtime.Weights) error {
	if err := admit(dir, o, p); err != nil {
		return err
	}
	p, ks, err := specialise(p, ks)
	if err != nil {
		return err
	}
	kernels, err := gocpu.Kernels(gocpu.Options{
		Package: o.Name, Source: o.Source, Version: p.Compiler, Table: "kernels", Prefix: "kernel",
	}, ks)
	if err != nil {
		return err
	}
	api, err := apiFile(o, p)
	if err != nil {
		return err
	}
	return write(dir, o, p, w, map[string][]byte{kernelsFile: kernels, goFile(o.Name): api})
}

// admit says what of the options, the program and the folder makes no package.
func admit(dir string, o Options, p *runtime.Program) error {
	if err := CheckName(o.Name); err != nil {
		return err
	}
	if p.Tokenizer == nil {
		return fmt.Errorf("package %s: the model has no tokenizer, and a Go package takes and gives text", o.Name)
	}
	if n := p.Memory().Weights; o.Embed && n > maxEmbed {
		return fmt.Errorf("package %s: %d bytes of weights, and Go embeds files of at most %d: leave them in a file", o.Name, n, int64(maxEmbed))
	}
	return replaceable(dir, o.Name)
}
