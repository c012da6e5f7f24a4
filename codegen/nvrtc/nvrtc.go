// Package nvrtc compiles CUDA C with NVIDIA's runtime compiler, a library that is loaded when it is first wanted: nothing of it is
// needed to build llorch, and no GPU to use it.
//
//	c, err := nvrtc.Load()
//	r, err := c.Compile(src, "kernels.cu", nvrtc.Options{Arch: "sm_90"})
//	os.WriteFile("kernels.sm_90.cubin", r.Cubin, 0o666)
package nvrtc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Compiler is a loaded NVRTC. It may be used by several goroutines.
type Compiler struct {
	path    string
	version string
	archs   []int // that it compiles for; empty when it does not say
	symbols [callCount]uintptr
}

// Options say what to compile for.
type Options struct {
	// Arch is a real architecture, sm_90, which gives a cubin, or a virtual one, compute_90, which gives PTX.
	Arch  string
	Flags []string
}

// Result is what a compilation gives: a cubin, or PTX that ends in a zero byte, as the driver wants it.
type Result struct {
	Cubin, PTX []byte
	Log        string // warnings
}

// CompileError is a source that does not compile.
type CompileError struct {
	Name string // of the source
	Log  string // all that the compiler says
}

var firstError = regexp.MustCompile(`(?m)^.*\berror\b.*(\n(\s.*)?)?`)

// Error is the first error with its line of source, and how many there are.
func (e *CompileError) Error() string {
	found := firstError.FindAllString(e.Log, -1)
	if len(found) == 0 {
		return fmt.Sprintf("nvrtc: %s: %s", e.Name, strings.TrimSpace(e.Log))
	}
	more := ""
	if n := strings.Count(e.Log, ": error"); n > 1 {
		more = fmt.Sprintf(" (and %d more)", n-1)
	}
	return "nvrtc: " + strings.TrimSpace(found[0]) + more
}

// call numbers the functions of NVRTC that are used.
type call int

const (
	nvrtcVersion call = iota
	nvrtcGetErrorString
	nvrtcGetNumSupportedArchs
	nvrtcGetSupportedArchs
	nvrtcCreateProgram
	nvrtcDestroyProgram
	nvrtcCompileProgram
	nvrtcGetProgramLogSize
	nvrtcGetProgramLog
	nvrtcGetCUBINSize
	nvrtcGetCUBIN
	nvrtcGetPTXSize
	nvrtcGetPTX
	callCount
)

var calls = [callCount]string{
	nvrtcVersion: "nvrtcVersion", nvrtcGetErrorString: "nvrtcGetErrorString", nvrtcGetNumSupportedArchs: "nvrtcGetNumSupportedArchs",
	nvrtcGetSupportedArchs: "nvrtcGetSupportedArchs", nvrtcCreateProgram: "nvrtcCreateProgram", nvrtcDestroyProgram: "nvrtcDestroyProgram",
	nvrtcCompileProgram: "nvrtcCompileProgram", nvrtcGetProgramLogSize: "nvrtcGetProgramLogSize", nvrtcGetProgramLog: "nvrtcGetProgramLog",
	nvrtcGetCUBINSize: "nvrtcGetCUBINSize", nvrtcGetCUBIN: "nvrtcGetCUBIN", nvrtcGetPTXSize: "nvrtcGetPTXSize", nvrtcGetPTX: "nvrtcGetPTX",
}

// open loads the library in a file.
func open(path string) (*Compiler, error) {
	h, err := dlopen(path)
	if err != nil {
		return nil, err
	}
	c := &Compiler{path: path}
	for i, name := range calls {
		if c.symbols[i], err = dlsym(h, name); err != nil || c.symbols[i] == 0 {
			return nil, fmt.Errorf("%s has no %s: it is no NVRTC of CUDA 11.2 or newer", path, name)
		}
	}
	var major, minor, n int32
	if err := c.check(nvrtcVersion, uintptr(unsafe.Pointer(&major)), uintptr(unsafe.Pointer(&minor))); err != nil {
		return nil, err
	}
	c.version = fmt.Sprintf("%d.%d", major, minor)
	if err := c.check(nvrtcGetNumSupportedArchs, uintptr(unsafe.Pointer(&n))); err != nil || n < 1 || n > 1000 {
		return c, err
	}
	archs := make([]int32, n)
	if err := c.check(nvrtcGetSupportedArchs, uintptr(unsafe.Pointer(&archs[0]))); err != nil {
		return nil, err
	}
	for _, a := range archs {
		c.archs = append(c.archs, int(a))
	}
	return c, nil
}

// Path is the library's file.
func (c *Compiler) Path() string { return c.path }

// Version is the CUDA version that NVRTC comes from.
func (c *Compiler) Version() string { return c.version }

//go:uintptrescapes
func (c *Compiler) check(f call, args ...uintptr) error {
	r, _, _ := purego.SyscallN(c.symbols[f], args...)
	if code := int32(r); code != 0 {
		return c.error(f, code)
	}
	return nil
}

func (c *Compiler) error(f call, code int32) error {
	text := fmt.Sprintf("error %d", code)
	if r, _, _ := purego.SyscallN(c.symbols[nvrtcGetErrorString], uintptr(code)); r != 0 {
		var p *byte
		*(*uintptr)(unsafe.Pointer(&p)) = r
		text = cString(p)
	}
	return fmt.Errorf("nvrtc: %s: %s", calls[f], text)
}

func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

var archForm = regexp.MustCompile(`^(sm|compute)_(\d+)[af]?$`)

// CheckArch refuses what is no architecture that c compiles for.
func (c *Compiler) CheckArch(arch string) error {
	m := archForm.FindStringSubmatch(arch)
	if m == nil {
		return fmt.Errorf("nvrtc: architecture %q: want sm_NN, say sm_90, or compute_NN", arch)
	}
	if n, _ := strconv.Atoi(m[2]); len(c.archs) > 0 && !slices.Contains(c.archs, n) {
		return fmt.Errorf("nvrtc: architecture %s: NVRTC %s has %v", arch, c.version, c.archs)
	}
	return nil
}

// Compile compiles a source of that name, which messages use. The same source gives the same bytes.
func (c *Compiler) Compile(src []byte, name string, o Options) (r *Result, err error) {
	if err := c.CheckArch(o.Arch); err != nil {
		return nil, err
	}
	var prog uintptr
	text, title := append(slices.Clone(src), 0), append([]byte(name), 0)
	if err := c.check(nvrtcCreateProgram, uintptr(unsafe.Pointer(&prog)), uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&title[0])), 0, 0, 0); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.check(nvrtcDestroyProgram, uintptr(unsafe.Pointer(&prog)))) }()
	compiled := c.compile(prog, append([]string{"--gpu-architecture=" + o.Arch}, o.Flags...))
	log, err := c.output(prog, nvrtcGetProgramLogSize, nvrtcGetProgramLog)
	if err != nil {
		return nil, err
	}
	r = &Result{Log: string(bytes.TrimRight(log, "\x00"))}
	switch {
	case compiled != nil && r.Log != "":
		return nil, &CompileError{name, r.Log}
	case compiled != nil:
		return nil, compiled
	case strings.HasPrefix(o.Arch, "sm_"):
		r.Cubin, err = c.output(prog, nvrtcGetCUBINSize, nvrtcGetCUBIN)
	default:
		r.PTX, err = c.output(prog, nvrtcGetPTXSize, nvrtcGetPTX)
	}
	return r, err
}

// compile passes the options, whose memory must stay in place meanwhile.
func (c *Compiler) compile(prog uintptr, options []string) error {
	list := make([]*byte, len(options))
	for i, o := range options {
		list[i] = &append([]byte(o), 0)[0]
	}
	return c.check(nvrtcCompileProgram, prog, uintptr(len(list)), uintptr(unsafe.Pointer(&list[0])))
}

// output is a text or binary that the program has: its size, then its bytes.
func (c *Compiler) output(prog uintptr, size, get call) ([]byte, error) {
	var n uintptr
	if err := c.check(size, prog, uintptr(unsafe.Pointer(&n))); err != nil || n == 0 {
		return nil, err
	}
	b := make([]byte, n)
	return b, c.check(get, prog, uintptr(unsafe.Pointer(&b[0])))
}
