package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/runtime"
)

// contextFlag is how long a sequence may become.
type contextFlag struct {
	Ctx int `name:"ctx" placeholder:"N" help:"Tokens of context to have room for; 0, or without it, the model's own."`
}

func (f *contextFlag) check() error {
	if f.Ctx < 0 {
		return fmt.Errorf("--ctx is %d, want 0 or more", f.Ctx)
	}
	return nil
}

// fitsHost refuses a program that this machine has no memory for. The weights of an artifact are a mapped file, which the system reads
// again when it needs the room. What is free is -1 where the system does not say.
func fitsHost(p *runtime.Program, mapped bool, free int64) error {
	m := p.Memory()
	if mapped {
		m.Weights = 0
	}
	if free < 0 || m.Total() <= free {
		return nil
	}
	return fmt.Errorf("it needs %s (weights %s, kv cache of %d tokens %s, arena %s), and %s of memory is free: %s (--ctx)",
		size(m.Total()), size(m.Weights), p.Context, size(m.KV), size(m.Arena), size(free), m.Fitting(p.Context, free))
}

// tellMemory says on a terminal what a program needs.
func (e *env) tellMemory(p *runtime.Program) {
	if f, ok := e.stderr.(*os.File); !ok || !isTerminal(f) {
		return
	}
	m := p.Memory()
	fmt.Fprintf(e.stderr, "%s needs %s: weights %s, kv cache of %d tokens %s, arena %s\n",
		p.Model, size(m.Total()), size(m.Weights), p.Context, size(m.KV), size(m.Arena))
}

// footprint is what a program needs on its device, in bytes.
type footprint struct {
	Model   string `json:"model"`
	Target  string `json:"target"`
	Context int    `json:"context"`
	runtime.Memory
	Code  int64 `json:"code"` // compiled kernels, of the first architecture; 0 where they are part of llorch
	Total int64 `json:"total"`
}

// footprint computes what --memory asks for. A model is compiled for that, in memory.
func (c *inspectCmd) footprint(e *env) error {
	f := footprint{Target: "cpu"}
	var p *runtime.Program
	switch {
	case c.Path != "" && runtime.IsArtifact(c.Path):
		if c.Ctx != 0 || c.Target != "" {
			return usageError{fmt.Errorf("%s is compiled already: --ctx and --target are for models", c.Path)}
		}
		a, err := runtime.OpenArtifact(c.Path, runtime.OpenOptions{})
		if err != nil {
			return err
		}
		defer a.Close()
		files := map[string][]byte{}
		for _, name := range a.Files() {
			if isCode(name) {
				if files[name], err = a.File(name); err != nil {
					return err
				}
			}
		}
		p, f.Code = a.Program, codeBytes(files)
	default:
		m, err := openModel(c.Path)
		if err != nil {
			return err
		}
		defer m.Close()
		if c.Target != "" {
			f.Target = c.Target
		}
		done, err := compileModel(m, compileOptions{target: f.Target, ctx: c.Ctx})
		if err != nil {
			return err
		}
		files, err := done.Files(nil)
		if errors.Is(err, nvrtc.ErrNotFound) {
			fmt.Fprintf(e.stderr, "llorch: warning: the code's size is left out: %v\n", err)
		} else if err != nil {
			return err
		}
		p, f.Code = done.Program, codeBytes(files)
	}
	f.Model, f.Target, f.Context, f.Memory = p.Model, p.Target, p.Context, p.Memory()
	f.Total = f.Memory.Total() + f.Code
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(f)
	}
	return f.table(e.stdout)
}

func (f *footprint) table(w io.Writer) error {
	fmt.Fprintf(w, "%s for target %s, context %d\n", f.Model, f.Target, f.Context)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range []struct {
		what  string
		bytes int64
	}{{"weights", f.Weights}, {"kv cache", f.KV}, {"arena", f.Arena}, {"code", f.Code}, {"total", f.Total}} {
		fmt.Fprintf(tw, "%s\t%d bytes\t%s\t\n", r.what, r.bytes, size(r.bytes))
	}
	return tw.Flush()
}

// isCode reports a file of compiled kernels, or of the source that a driver compiles.
func isCode(name string) bool {
	switch ext := path.Ext(name); ext {
	case ".cubin", ".metallib", ".metal":
		return true
	}
	return false
}

// codeBytes is the size of the one that a device would load.
func codeBytes(files map[string][]byte) int64 {
	first := ""
	for name := range files {
		if isCode(name) && (first == "" || rank(name) < rank(first)) {
			first = name
		}
	}
	return int64(len(files[first]))
}

// rank orders code as devices prefer it.
func rank(name string) string {
	if strings.HasSuffix(name, ".metal") {
		return "~" + name
	}
	return name
}
