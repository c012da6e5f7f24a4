package nvrtc

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process loads a library once, so what depends on the file that it comes from is tested in processes of their own: with childVar
// set, the tests' binary compiles for every named architecture and prints what comes of it.
const childVar = "NVRTC_TEST_ARCHS"

func TestMain(m *testing.M) {
	if archs := os.Getenv(childVar); archs != "" {
		fmt.Print(child(strings.Fields(archs)))
		return
	}
	os.Exit(m.Run())
}

func child(archs []string) string {
	c, err := Load()
	if err != nil {
		return "load: " + err.Error()
	}
	out := "with " + c.Path() + "\n"
	for _, arch := range archs {
		r, err := c.Compile([]byte(scale), "scale.cu", Options{Arch: arch})
		if err != nil {
			return out + "compile: " + err.Error()
		}
		out += sum(r) + "\n"
	}
	return out
}

func sum(r *Result) string { return fmt.Sprintf("%x %x", sha256.Sum256(r.Cubin), sha256.Sum256(r.PTX)) }

// inChild is what a process prints for which LLORCH_NVRTC names a file.
func inChild(t *testing.T, file, archs string) string {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LLORCH_NVRTC=") && !strings.HasPrefix(v, "LD_LIBRARY_PATH=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, childVar+"="+archs, "LLORCH_NVRTC="+file)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// libraryFile is the file of the machine's NVRTC.
func libraryFile(t *testing.T) string {
	c := compiler(t)
	if !filepath.IsAbs(c.Path()) {
		t.Skipf("needs the file of %s: set LLORCH_NVRTC to it", c.Path())
	}
	return c.Path()
}

// TestDeterministic compares the bytes of compilations in one process, with others between, and in another process.
func TestDeterministic(t *testing.T) {
	file := libraryFile(t)
	c := compiler(t)
	archs := []string{"sm_80", "sm_90", "compute_80"}
	want := "with " + file + "\n"
	for _, arch := range archs {
		var first *Result
		for range 3 {
			r, err := c.Compile([]byte(scale), "scale.cu", Options{Arch: arch})
			require.NoError(t, err)
			if first == nil {
				first = r
			}
			require.Equal(t, first, r)
			_, err = c.Compile([]byte("__device__ int other;"), "other.cu", Options{Arch: arch})
			require.NoError(t, err)
		}
		want += sum(first) + "\n"
	}
	require.Equal(t, want, inChild(t, file, strings.Join(archs, " ")))
}

// TestBuiltins: NVRTC finds its builtins beside itself, also where LLORCH_NVRTC is a link to it, and says so when they are missing.
func TestBuiltins(t *testing.T) {
	file := libraryFile(t)
	require.NotContains(t, inChild(t, file, "sm_80"), "compile:")

	link := filepath.Join(t.TempDir(), "link.so")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	out := inChild(t, link, "sm_80")
	require.Contains(t, out, "with "+link)
	require.NotContains(t, out, "compile:")

	alone := filepath.Join(t.TempDir(), filepath.Base(file))
	linkOrCopy(t, file, alone)
	out = inChild(t, alone, "sm_80")
	if !strings.Contains(out, "compile:") {
		t.Skip("the system's loader knows the builtins")
	}
	require.Contains(t, out, "compile: nvrtc: scale.cu: "+alone)
	require.Contains(t, out, "builtins")
}

func linkOrCopy(t *testing.T, from, to string) {
	from, err := filepath.EvalSymlinks(from)
	require.NoError(t, err)
	if os.Link(from, to) == nil {
		return
	}
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

func TestUnusableFile(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("needs a system that NVRTC exists for")
	}
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.so")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("no library ", 1000)), 0o666))
	empty := filepath.Join(dir, "empty.so")
	require.NoError(t, os.WriteFile(empty, nil, 0o666))
	for _, file := range []string{garbage, empty, dir, filepath.Join(dir, "absent.so")} {
		out := inChild(t, file, "sm_80")
		require.True(t, strings.HasPrefix(out, "load: nvrtc: LLORCH_NVRTC="+file+": "), out)
		require.Equal(t, 1, strings.Count(out, file), out)
		require.NotContains(t, out, "\n")
	}
}

func TestOtherLibrary(t *testing.T) {
	found := glob(filepath.Dir(libraryFile(t)), "libnvrtc-builtins.so*")
	if len(found) == 0 {
		t.Skip("needs libnvrtc-builtins.so beside NVRTC")
	}
	require.Equal(t, "load: nvrtc: LLORCH_NVRTC="+found[0]+": it has no nvrtcVersion, so it is not NVRTC of CUDA 11.2 or newer",
		inChild(t, found[0], "sm_80"))
}
