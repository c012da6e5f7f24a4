package nvrtc

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ebitengine/purego"
)

type (
	program uintptr // nvrtcProgram
	result  int32   // nvrtcResult
)

const (
	success        result = 0
	errCompilation result = 6 // the source has errors
)

// functions are those of NVRTC that are used, in C's types: int is int32, size_t uintptr, char* a string or the first byte.
type functions struct {
	libraryVersion    func(major, minor *int32) result
	errorString       func(result) string
	numSupportedArchs func(*int32) result
	supportedArchs    func(*int32) result
	createProgram     func(p *program, src, name string, headers int32, texts, names **byte) result
	destroyProgram    func(*program) result
	compileProgram    func(p program, n int32, options **byte) result
	programLogSize    func(program, *uintptr) result
	programLog        func(program, *byte) result
	cubinSize         func(program, *uintptr) result
	cubin             func(program, *byte) result
	ptxSize           func(program, *uintptr) result
	ptx               func(program, *byte) result
}

// bind finds the functions in a loaded library.
func (f *functions) bind(library uintptr) error {
	for _, b := range []struct {
		name string
		fn   any
	}{
		{"nvrtcVersion", &f.libraryVersion},
		{"nvrtcGetErrorString", &f.errorString},
		{"nvrtcGetNumSupportedArchs", &f.numSupportedArchs},
		{"nvrtcGetSupportedArchs", &f.supportedArchs},
		{"nvrtcCreateProgram", &f.createProgram},
		{"nvrtcDestroyProgram", &f.destroyProgram},
		{"nvrtcCompileProgram", &f.compileProgram},
		{"nvrtcGetProgramLogSize", &f.programLogSize},
		{"nvrtcGetProgramLog", &f.programLog},
		{"nvrtcGetCUBINSize", &f.cubinSize},
		{"nvrtcGetCUBIN", &f.cubin},
		{"nvrtcGetPTXSize", &f.ptxSize},
		{"nvrtcGetPTX", &f.ptx},
	} {
		symbol, err := dlsym(library, b.name)
		if err != nil || symbol == 0 {
			return fmt.Errorf("it has no %s, so it is not NVRTC of CUDA 11.2 or newer", b.name)
		}
		purego.RegisterFunc(b.fn, symbol)
	}
	return nil
}

// open loads NVRTC from a file, or from where the system's loader knows a name. Errors leave the file to the caller.
func open(file string) (*Compiler, error) {
	if filepath.Base(file) != file {
		loadBuiltins(file)
	}
	library, err := dlopen(file)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), file+": "))
	}
	c := &Compiler{path: file}
	if err := c.bind(library); err != nil {
		return nil, err
	}
	var major, minor, n int32
	if err := c.check("nvrtcVersion", c.libraryVersion(&major, &minor)); err != nil {
		return nil, err
	}
	c.version = fmt.Sprintf("%d.%d", major, minor)
	c.splits = major > 12 || major == 12 && minor >= 9
	if err := c.check("nvrtcGetNumSupportedArchs", c.numSupportedArchs(&n)); err != nil {
		return nil, err
	}
	if n < 1 || n > 1000 {
		return nil, fmt.Errorf("it compiles for %d architectures: want 1 to 1000", n)
	}
	archs := make([]int32, n)
	if err := c.check("nvrtcGetSupportedArchs", c.supportedArchs(&archs[0])); err != nil {
		return nil, err
	}
	for _, a := range archs {
		c.archs = append(c.archs, int(a))
	}
	return c, nil
}

// loadBuiltins loads the library that NVRTC asks the system's loader for, by its name alone, when it first compiles. Loaded
// already, it is found where the loader would not look: beside NVRTC on Windows and in the wheels of CUDA 13, which have no
// RUNPATH, and beside the file that a link leads to.
func loadBuiltins(nvrtc string) {
	files := []string{nvrtc}
	if f, err := filepath.EvalSymlinks(nvrtc); err == nil && f != nvrtc {
		files = append(files, f)
	}
	for _, f := range files {
		for _, pattern := range []string{"libnvrtc-builtins.so*", "nvrtc-builtins64_*.dll"} {
			for _, b := range glob(filepath.Dir(f), pattern) {
				_, _ = dlopen(b) // when it was needed, compiling says so
			}
		}
	}
}

// check is the error of a call's result.
func (c *Compiler) check(call string, r result) error {
	if r != success {
		return fmt.Errorf("nvrtc: %s: %s", call, c.errorString(r))
	}
	return nil
}

// output is a text or binary that a program has: its size, then its bytes.
func (c *Compiler) output(p program, call string, size func(program, *uintptr) result, get func(program, *byte) result) ([]byte, error) {
	var n uintptr
	if err := c.check(call+"Size", size(p, &n)); err != nil || n == 0 {
		return nil, err
	}
	b := make([]byte, n)
	return b, c.check(call, get(p, &b[0]))
}

// cStrings are texts as C wants an array of them.
func cStrings(texts []string) []*byte {
	list := make([]*byte, len(texts))
	for i, s := range texts {
		list[i] = &append([]byte(s), 0)[0]
	}
	return list
}
