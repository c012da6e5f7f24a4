package nvrtc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
)

// ErrNotFound says that NVRTC is nowhere, and how to get it.
var ErrNotFound = errors.New("nvrtc: NVIDIA's runtime compiler is not installed: install the CUDA toolkit, " +
	"or `pip install nvidia-cuda-nvrtc-cu12` (no GPU is needed), or name the library's file in LLORCH_NVRTC")

// Load finds NVRTC: the file that LLORCH_NVRTC names, or in the CUDA toolkit, in what the system's loader knows, or in a Python's
// packages.
func Load() (*Compiler, error) { return load() }

var load = sync.OnceValues(func() (*Compiler, error) {
	if f := os.Getenv("LLORCH_NVRTC"); f != "" {
		c, err := open(f)
		if err != nil {
			return nil, fmt.Errorf("nvrtc: LLORCH_NVRTC=%s: %w", f, err)
		}
		return c, nil
	}
	if goruntime.GOOS == "darwin" {
		return nil, errors.New("nvrtc: NVIDIA has no compiler for macOS: compile for cuda on Linux or Windows")
	}
	for _, f := range candidates(os.Getenv, filepath.Glob) {
		if c, err := open(f); err == nil {
			return c, nil
		}
	}
	return nil, ErrNotFound
})

// candidates are the places to look at, best first: names without a folder are for the system's loader.
func candidates(env func(string) string, glob func(string) ([]string, error)) []string {
	libs := []string{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"}
	within := []string{"lib64", "lib", "targets/*/lib"}
	if goruntime.GOOS == "windows" {
		libs, within = []string{"nvrtc64_*.dll"}, []string{"bin", "bin/x64"}
	}
	var out []string
	find := func(dir string) {
		for _, lib := range libs {
			found, _ := glob(filepath.Join(dir, lib)) // the patterns are well formed
			slices.Sort(found)
			slices.Reverse(found)
			for _, f := range found {
				if !strings.Contains(f, "builtins") && !strings.Contains(f, "alt") {
					out = append(out, f)
				}
			}
		}
	}
	var roots []string
	for _, v := range []string{"CUDA_HOME", "CUDA_PATH"} {
		if dir := env(v); dir != "" {
			roots = append(roots, dir)
		}
	}
	if goruntime.GOOS != "windows" {
		more, _ := glob("/usr/local/cuda-*")
		slices.Sort(more)
		slices.Reverse(more)
		roots = append(append(roots, "/usr/local/cuda"), more...)
	}
	for _, root := range roots {
		for _, sub := range within {
			find(filepath.Join(root, sub))
		}
	}
	if goruntime.GOOS != "windows" {
		out = append(out, libs...)
	}
	for _, site := range pythonSites(env) {
		for _, sub := range []string{"nvidia/cuda_nvrtc/lib", "nvidia/cu13/lib", "nvidia/cuda_nvrtc/bin"} {
			find(filepath.Join(site, sub))
		}
	}
	return out
}

// pythonSites are patterns of the folders where pip installs packages.
func pythonSites(env func(string) string) []string {
	var prefixes []string
	for _, v := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := env(v); dir != "" {
			prefixes = append(prefixes, dir)
		}
	}
	if home := env("HOME"); home != "" {
		prefixes = append(prefixes, filepath.Join(home, ".local"), filepath.Join(home, ".pyenv/versions/*"))
	}
	prefixes = append(prefixes, "/usr/local", "/usr")
	var sites []string
	for _, p := range prefixes {
		sites = append(sites, filepath.Join(p, "lib/python3*/site-packages"), filepath.Join(p, "lib/python3*/dist-packages"))
		if goruntime.GOOS == "windows" {
			sites = append(sites, filepath.Join(p, "Lib/site-packages"))
		}
	}
	return sites
}
