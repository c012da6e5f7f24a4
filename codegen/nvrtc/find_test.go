package nvrtc

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a system with these files, of which only *loads does, and the list of those that it tries. Names are relative to its root.
func machine(t *testing.T, goos string, files []string, vars map[string]string, loads *string) (s system, tried *[]string) {
	root := t.TempDir()
	for _, f := range files {
		path := filepath.Join(root, f)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, nil, 0o666))
	}
	tried = new([]string)
	return system{
		goos: goos,
		root: root,
		env: func(name string) string {
			if v, ok := vars[name]; ok {
				return filepath.Join(root, v)
			}
			return ""
		},
		open: func(file string) (*Compiler, error) {
			if rel, err := filepath.Rel(root, file); filepath.IsAbs(file) && err == nil {
				file = filepath.ToSlash(rel)
			}
			*tried = append(*tried, file)
			if file == *loads {
				return &Compiler{path: file}, nil
			}
			return nil, errors.New("file too short")
		},
	}, tried
}

func TestSearchOrder(t *testing.T) {
	for _, c := range []struct {
		name, goos string
		vars       map[string]string
		want       []string // in order; those without a slash are the loader's
		others     []string // files that are no candidates
	}{{
		name: "unix", goos: "linux",
		vars: map[string]string{"CUDA_HOME": "home[1]", "CUDA_PATH": "walter/path", "VIRTUAL_ENV": "venv", "CONDA_PREFIX": "conda", "HOME": "me"},
		want: []string{
			"home[1]/lib64/libnvrtc.so", "home[1]/lib64/libnvrtc.so.13", "home[1]/lib64/libnvrtc.so.12",
			"home[1]/lib/libnvrtc.so", "home[1]/targets/sbsa-linux/lib/libnvrtc.so",
			"walter/path/lib64/libnvrtc.so.12",
			"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
			"usr/local/cuda/lib64/libnvrtc.so",
			"usr/local/cuda-13.0/targets/x86_64-linux/lib/libnvrtc.so", "usr/local/cuda-12.10/lib64/libnvrtc.so", "usr/local/cuda-12.9/lib64/libnvrtc.so",
			"conda/lib/libnvrtc.so.12",
			"venv/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
			"venv/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13",
			"conda/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
			"me/.local/lib/python3.13/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
			"me/.local/lib/python3.9/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
			"me/.pyenv/versions/3.12.1/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13",
			"usr/local/lib/python3.12/dist-packages/nvidia/cu13/lib/libnvrtc.so.13",
			"usr/lib/python3/dist-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
			"usr/lib64/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
		},
		others: []string{
			"home[1]/lib64/libnvrtc-builtins.so", "home[1]/lib64/libnvrtc.alt.so.12", "home[1]/lib64/stubs/libnvrtc.so",
			"home1/lib64/libnvrtc.so", "venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libnvrtc.so.12",
		},
	}, {
		name: "windows", goos: "windows",
		vars: map[string]string{"CUDA_PATH": "path", "VIRTUAL_ENV": "venv", "APPDATA": "roaming", "LOCALAPPDATA": "local", "ProgramFiles": "Program Files", "HOME": "me"},
		want: []string{
			"path/bin/nvrtc64_130_0.dll", "path/bin/nvrtc64_120_0.dll", "path/bin/x64/nvrtc64_130_0.dll",
			"nvrtc64_130_0.dll", "nvrtc64_120_0.dll",
			"Program Files/NVIDIA GPU Computing Toolkit/CUDA/v12.10/bin/nvrtc64_120_0.dll",
			"Program Files/NVIDIA GPU Computing Toolkit/CUDA/v12.9/bin/nvrtc64_120_0.dll",
			"venv/Lib/site-packages/nvidia/cuda_nvrtc/bin/nvrtc64_120_0.dll",
			"venv/Lib/site-packages/nvidia/cu13/bin/x86_64/nvrtc64_130_0.dll",
			"roaming/Python/Python313/site-packages/nvidia/cuda_nvrtc/bin/nvrtc64_120_0.dll",
			"local/Programs/Python/Python313/Lib/site-packages/nvidia/cuda_nvrtc/bin/nvrtc64_120_0.dll",
		},
		others: []string{"path/bin/nvrtc64_120_0.alt.dll", "path/bin/nvrtc-builtins64_129.dll", "me/.local/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			files := slices.Clone(c.others)
			for _, f := range c.want {
				if strings.Contains(f, "/") {
					files = append(files, f)
				}
			}
			loads := ""
			s, tried := machine(t, c.goos, files, c.vars, &loads)
			_, err := s.load()
			require.ErrorIs(t, err, ErrNotFound)
			require.Equal(t, c.want, *tried)
			require.ErrorContains(t, err, filepath.Join(s.root, c.want[0])+" does not load: file too short")

			for i, f := range c.want { // the first that loads ends the search
				loads, *tried = f, nil
				found, err := s.load()
				require.NoError(t, err)
				require.Equal(t, f, found.Path())
				require.Equal(t, c.want[:i+1], *tried)
			}
		})
	}
}

func TestNamedFileIsTheOnlyOne(t *testing.T) {
	files := []string{"named/mine.so", "toolkit/lib64/libnvrtc.so"}
	vars := map[string]string{"LLORCH_NVRTC": "named/mine.so", "CUDA_HOME": "toolkit"}

	loads := "named/mine.so"
	s, tried := machine(t, "linux", files, vars, &loads)
	c, err := s.load()
	require.NoError(t, err)
	require.Equal(t, "named/mine.so", c.Path())
	require.Equal(t, []string{"named/mine.so"}, *tried)

	loads, *tried = "toolkit/lib64/libnvrtc.so", nil
	_, err = s.load()
	require.EqualError(t, err, "nvrtc: LLORCH_NVRTC="+filepath.Join(s.root, "named/mine.so")+": file too short")
	require.NotErrorIs(t, err, ErrNotFound)
	require.Equal(t, []string{"named/mine.so"}, *tried)

	// A name alone is a file of the working folder, not one for the system's loader to find.
	s.env = func(name string) string { return map[string]string{"LLORCH_NVRTC": "libnvrtc.so"}[name] }
	var opened string
	s.open = func(file string) (*Compiler, error) { opened = file; return nil, errors.New("absent") }
	_, err = s.load()
	require.EqualError(t, err, "nvrtc: LLORCH_NVRTC=libnvrtc.so: absent")
	require.True(t, filepath.IsAbs(opened), opened)
}

func TestNotFound(t *testing.T) {
	for goos, want := range map[string][]string{
		"linux":   {"libnvrtc.so.12", "CUDA_HOME", "/usr/local/cuda", "pip install nvidia-cuda-nvrtc-cu12", "CUDA toolkit", "LLORCH_NVRTC"},
		"windows": {"nvrtc64_120_0.dll", "CUDA_PATH", "PATH", "pip install nvidia-cuda-nvrtc-cu12", "CUDA toolkit", "LLORCH_NVRTC"},
		"darwin":  {"macOS", "Linux or Windows"},
	} {
		s, tried := machine(t, goos, nil, nil, new(string))
		_, err := s.load()
		require.ErrorIs(t, err, ErrNotFound)
		require.NotContains(t, err.Error(), "\n")
		require.NotContains(t, err.Error(), "does not load")
		for _, w := range want {
			require.ErrorContains(t, err, w, goos)
		}
		if goos == "darwin" {
			require.Empty(t, *tried)
		}
	}
}

func TestByVersion(t *testing.T) {
	want := []string{"cuda", "cuda-9.2", "cuda-12", "cuda-12.1", "cuda-12.9", "cuda-12.10", "cuda-13.0"}
	got := slices.Clone(want)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, byVersion)
	require.Equal(t, want, got)
}
