// Package nvrtc compiles CUDA C with NVRTC, NVIDIA's runtime compiler: a library that is loaded when it is first wanted, without
// cgo. Nothing of it is needed to build llorch, and no GPU to use it.
//
//	c, err := nvrtc.Load() // finds the library, once; the error says how to get it
//	r, err := c.Compile(src, "kernels.cu", nvrtc.Options{Arch: "sm_90"})
//	os.WriteFile("kernels.sm_90.cubin", r.Cubin, 0o666)
//
// A real architecture gives machine code, a cubin, for devices of its kind; a virtual one, compute_90, gives PTX, which a driver
// compiles for any device as new or newer. A source with errors gives a [*CompileError].
//
//   - find.go: where the library is looked for
//   - functions.go: what is called in it
//   - error.go: how errors of a source read
package nvrtc

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Compiler is a loaded NVRTC. It may be used by several goroutines, which then compile at the same time.
type Compiler struct {
	path    string
	version string
	splits  bool  // it takes --split-compile
	archs   []int // that it compiles for
	functions
}

// Path is the library's file, or its name where the system's loader found it.
func (c *Compiler) Path() string { return c.path }

// Version is the CUDA version that NVRTC comes from, say 12.9.
func (c *Compiler) Version() string { return c.version }

// Options say what to compile for.
type Options struct {
	// Arch is a real architecture, sm_90, which gives a cubin, or a virtual one, compute_90, which gives PTX. The suffix a, of
	// sm_90a, allows what that architecture alone has, f what its family has.
	Arch string
	// Split has all processors compile, which gives other bytes, though the same ones each time. NVRTC before 12.9 takes no
	// notice.
	Split bool
	// Flags are passed on as they are, say --use_fast_math.
	Flags []string
}

// Result is what a compilation gives: a cubin, or PTX that ends in a zero byte, as the driver wants it.
type Result struct {
	Cubin, PTX []byte
	Log        string // warnings
}

// Compile compiles a source of that name, which messages use. The same source gives the same bytes.
func (c *Compiler) Compile(src []byte, name string, o Options) (*Result, error) {
	if err := c.CheckArch(o.Arch); err != nil {
		return nil, err
	}
	if err := checkTexts(src, name, o.Flags); err != nil {
		return nil, err
	}
	var p program
	if err := c.check("nvrtcCreateProgram", c.createProgram(&p, string(src), name, 0, nil, nil)); err != nil {
		return nil, err
	}
	defer c.destroyProgram(&p)

	options := append([]string{"--gpu-architecture=" + o.Arch}, o.Flags...)
	if o.Split && c.splits {
		options = append(options, "--split-compile=0")
	}
	compiled := c.compileProgram(p, int32(len(options)), &cStrings(options)[0])
	text, err := c.output(p, "nvrtcGetProgramLog", c.programLogSize, c.programLog)
	if err != nil {
		return nil, err
	}
	r := &Result{Log: string(bytes.TrimRight(text, "\x00"))}
	switch {
	case compiled == errCompilation && !strings.HasPrefix(r.Log, "Command-line error"):
		return nil, &CompileError{Name: name, Log: r.Log}
	case compiled != success: // an option, or NVRTC's own installation
		return nil, fmt.Errorf("nvrtc: %s: %s compiling with %s: %s: %s", name, c.path, strings.Join(options, " "),
			c.errorString(compiled), oneLine(r.Log))
	case strings.HasPrefix(o.Arch, "sm_"):
		r.Cubin, err = c.output(p, "nvrtcGetCUBIN", c.cubinSize, c.cubin)
	default:
		r.PTX, err = c.output(p, "nvrtcGetPTX", c.ptxSize, c.ptx)
	}
	if err == nil && len(r.Cubin)+len(r.PTX) == 0 {
		err = fmt.Errorf("nvrtc: %s: no code for %s comes of %s", name, o.Arch, strings.Join(options, " "))
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

var archForm = regexp.MustCompile(`^(sm|compute)_([1-9]\d{0,3})[af]?$`)

// CheckArch refuses what is no architecture that c compiles for. Which of them have a suffix NVRTC alone knows.
func (c *Compiler) CheckArch(arch string) error {
	m := archForm.FindStringSubmatch(arch)
	if m == nil {
		return fmt.Errorf("nvrtc: architecture %q: want sm_NN, say sm_90 or sm_90a, or compute_NN", arch)
	}
	if n, _ := strconv.Atoi(m[2]); !slices.Contains(c.archs, n) {
		return fmt.Errorf("nvrtc: architecture %s: NVRTC %s has %s", arch, c.version, c.archNames(m[1]))
	}
	return nil
}

// archNames are the architectures of a kind.
func (c *Compiler) archNames(kind string) string {
	names := make([]string, len(c.archs))
	for i, n := range c.archs {
		names[i] = kind + "_" + strconv.Itoa(n)
	}
	return strings.Join(names, " ")
}

// checkTexts refuses zero bytes, where NVRTC would stop reading, and a second architecture, which would win.
func checkTexts(src []byte, name string, flags []string) error {
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return fmt.Errorf("nvrtc: %s: zero byte at offset %d of %d of the source", name, i, len(src))
	}
	for _, s := range append([]string{name}, flags...) {
		if strings.ContainsRune(s, 0) {
			return fmt.Errorf("nvrtc: %q has a zero byte", s)
		}
	}
	for _, f := range flags {
		if flag, _, _ := strings.Cut(f, "="); flag == "--gpu-architecture" || flag == "-arch" {
			return fmt.Errorf("nvrtc: %s: flag %s: the architecture is said by Options.Arch", name, f)
		}
	}
	return nil
}
