package nvrtc

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// ErrNotFound is in the error of Load when NVRTC is nowhere, and not when LLORCH_NVRTC names a file that does not load.
var ErrNotFound = errors.New("nvrtc: NVIDIA's runtime compiler was not found")

// Load finds NVRTC, once: the file that LLORCH_NVRTC names, and nothing else then; or in the CUDA toolkit of CUDA_HOME or
// CUDA_PATH, in what the system's loader knows, in the toolkits where they are usually installed, or among a Python's packages.
func Load() (*Compiler, error) { return load() }

var load = sync.OnceValues(func() (*Compiler, error) {
	return system{goos: runtime.GOOS, root: "/", env: os.Getenv, open: open}.load()
})

// system is what the search sees of a machine.
type system struct {
	goos string
	root string // where /usr is
	env  func(name string) string
	open func(file string) (*Compiler, error)
}

func (s system) load() (*Compiler, error) {
	if s.goos == "darwin" {
		return nil, fmt.Errorf("%w: it does not exist for macOS; compile for cuda on Linux or Windows", ErrNotFound)
	}
	if file := s.env("LLORCH_NVRTC"); file != "" {
		path, err := filepath.Abs(file) // a name alone is a file here, too
		if err != nil {
			return nil, fmt.Errorf("nvrtc: LLORCH_NVRTC=%s: %w", file, err)
		}
		c, err := s.open(path)
		if err != nil {
			return nil, fmt.Errorf("nvrtc: LLORCH_NVRTC=%s: %w", file, err)
		}
		return c, nil
	}
	broken := ""
	for _, f := range s.candidates() {
		c, err := s.open(f)
		if err == nil {
			return c, nil
		}
		if broken == "" && filepath.Base(f) != f {
			broken = fmt.Sprintf(" (%s does not load: %v)", f, err)
		}
	}
	return nil, fmt.Errorf("%w: %s%s: pip install nvidia-cuda-nvrtc-cu12 (it needs no GPU), or install the CUDA toolkit, or name the library's file in LLORCH_NVRTC",
		ErrNotFound, s.layout().searched, broken)
}

// layout is how NVRTC lies on systems of a kind. Patterns are of io/fs.
type layout struct {
	searched string   // in words
	libs     []string // patterns of the library's file
	names    []string // that the system's loader may know
	toolkit  []string // patterns of the library's folder in a toolkit
	packages []string // patterns of a Python's packages in its own folder
	wheel    []string // patterns of the library's folder in packages
}

func (s system) layout() layout {
	if s.goos == "windows" {
		return layout{
			searched: `no nvrtc64_130_0.dll or nvrtc64_120_0.dll in CUDA_HOME, CUDA_PATH, PATH, ProgramFiles\NVIDIA GPU Computing Toolkit\CUDA` +
				` or a Python's packages (VIRTUAL_ENV, CONDA_PREFIX, APPDATA\Python, LOCALAPPDATA\Programs\Python)`,
			libs:     []string{"nvrtc64_*_0.dll"},
			names:    []string{"nvrtc64_130_0.dll", "nvrtc64_120_0.dll"},
			toolkit:  []string{"bin", "bin/x64", "Library/bin"},
			packages: []string{"Lib/site-packages", "site-packages"},
			wheel:    []string{"nvidia/cuda_nvrtc/bin", "nvidia/cu[0-9]*/bin", "nvidia/cu[0-9]*/bin/*"},
		}
	}
	return layout{
		searched: "no libnvrtc.so, libnvrtc.so.13 or libnvrtc.so.12 in CUDA_HOME, CUDA_PATH, the system's libraries, /usr/local/cuda*" +
			" or a Python's packages (VIRTUAL_ENV, CONDA_PREFIX, ~/.local, ~/.pyenv, /usr/local, /usr)",
		libs:     []string{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"},
		names:    []string{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"},
		toolkit:  []string{"lib64", "lib", "targets/*/lib"},
		packages: []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "lib64/python3*/site-packages"},
		wheel:    []string{"nvidia/cuda_nvrtc/lib", "nvidia/cu[0-9]*/lib"},
	}
}

// candidates are the files to try, best first: names without a folder are for the system's loader.
func (s system) candidates() []string {
	l := s.layout()
	var files []string
	find := func(dirs, within []string) {
		for _, dir := range dirs {
			for _, w := range within {
				for _, folder := range glob(dir, w) {
					for _, lib := range l.libs {
						files = append(files, glob(folder, lib)...)
					}
				}
			}
		}
	}
	find(s.set("CUDA_HOME", "CUDA_PATH"), l.toolkit)
	files = append(files, l.names...)
	find(s.toolkits(), l.toolkit)
	find(s.set("CONDA_PREFIX"), l.toolkit) // Conda's own package lies as a toolkit does
	for _, python := range s.pythons() {
		for _, p := range l.packages {
			find(glob(python, p), l.wheel)
		}
	}
	return files
}

// set are the values of the variables that have one.
func (s system) set(names ...string) []string {
	var values []string
	for _, n := range names {
		if v := s.env(n); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// toolkits are where NVIDIA's installers put them: first the one that the machine's owner chose, then newest first.
func (s system) toolkits() []string {
	if s.goos != "windows" {
		local := filepath.Join(s.root, "usr/local")
		return append([]string{filepath.Join(local, "cuda")}, glob(local, "cuda-*")...)
	}
	var found []string
	for _, p := range s.set("ProgramFiles") {
		found = append(found, glob(p, "NVIDIA GPU Computing Toolkit/CUDA/v*")...)
	}
	return found
}

// pythons are the folders that hold a Python's, or a user's, packages.
func (s system) pythons() []string {
	found := s.set("VIRTUAL_ENV", "CONDA_PREFIX")
	if s.goos == "windows" {
		for _, user := range s.set("APPDATA") {
			found = append(found, glob(user, "Python/Python3*")...)
		}
		for _, local := range s.set("LOCALAPPDATA") {
			found = append(found, glob(local, "Programs/Python/Python3*")...)
		}
		return found
	}
	for _, home := range s.set("HOME") {
		found = append(append(found, filepath.Join(home, ".local")), glob(home, ".pyenv/versions/*")...)
	}
	return append(found, filepath.Join(s.root, "usr/local"), filepath.Join(s.root, "usr"))
}

// glob is what a pattern matches in a folder, whose own name is no pattern; newest first.
func glob(dir, pattern string) []string {
	found, _ := fs.Glob(os.DirFS(dir), pattern) // the patterns are well formed
	slices.SortFunc(found, func(a, b string) int { return byVersion(b, a) })
	for i, f := range found {
		found[i] = filepath.Join(dir, filepath.FromSlash(f))
	}
	return found
}

var run = regexp.MustCompile(`\d+|\D+`)

// byVersion compares names as versions: cuda-12.9 is before cuda-12.10.
func byVersion(a, b string) int {
	return slices.CompareFunc(run.FindAllString(a, -1), run.FindAllString(b, -1), func(x, y string) int {
		if isDigit(x[0]) && isDigit(y[0]) {
			return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
		}
		return strings.Compare(x, y)
	})
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
