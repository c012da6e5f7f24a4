package driver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// The tests of this file run in a process of their own, with testdata/fakecuda.c for a driver. By default that is built here and
// loaded; with -tags cu the program is linked to a library of that name, so cu.sh builds it and names its folder in FAKECUDA.

// fakeDriver is the folder of the fake libcuda.so.1.
func fakeDriver(t testing.TB) string {
	if dir := os.Getenv("FAKECUDA"); dir != "" {
		return dir
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil || goruntime.GOOS != "linux" {
		t.Skip("no gcc to build the fake driver with")
	}
	if linked {
		t.Skip("FAKECUDA names no folder with a fake driver: see cu.sh")
	}
	dir := t.TempDir()
	out, err := exec.Command(gcc, "-shared", "-fPIC", "-o", filepath.Join(dir, "libcuda.so.1"), filepath.Join("testdata", "fakecuda.c")).CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// underFake runs a test again in a process with the fake driver, and returns the driver's calls with what the test printed after "> ".
func underFake(t *testing.T, name string) (calls []string, printed string) {
	dir := fakeDriver(t)
	log := filepath.Join(t.TempDir(), "calls")
	cmd := exec.Command(os.Args[0], "-test.run", "^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), "FAKECUDA_LOG="+log, "LLORCH_CUDA="+filepath.Join(dir, "libcuda.so.1"), "LD_LIBRARY_PATH="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	var said strings.Builder
	for line := range strings.Lines(string(out)) {
		if s, ok := strings.CutPrefix(line, "> "); ok {
			said.WriteString(s)
		}
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), said.String()
}

// child is the context of a test that underFake started, which is skipped in the parent.
func child(t *testing.T) device.Context {
	if os.Getenv("FAKECUDA_LOG") == "" {
		t.Skip("runs under the fake driver, by TestCalls and TestErrors")
	}
	d, err := Load()
	require.NoError(t, err)
	all, err := d.Devices()
	require.NoError(t, err)
	require.Equal(t, device.Info{Target: "cuda", Index: 1, Name: "Fake 41", Arch: "sm_91", Cores: 7, Memory: 1 << 30, Shared: 232448, Driver: "CUDA 12.9", Overlap: true}, all[1])
	c, err := d.Open(1)
	require.NoError(t, err)
	require.Equal(t, all[1], c.Info())
	_, err = d.Open(2)
	require.EqualError(t, err, "cuda: there is no device 2: the driver sees 2")
	return c
}

// TestCalls compares the calls of a short life of a context to testdata/calls.txt. Each but a device's is preceded by one that sets
// the context, in the same thread.
func TestCalls(t *testing.T) {
	calls, _ := underFake(t, "TestCallsChild")
	var got strings.Builder
	var before string
	for _, line := range calls {
		thread, call, _ := strings.Cut(line, " ")
		switch {
		case call == "cuCtxSetCurrent 0xc0":
		case strings.HasPrefix(call, "cuInit"), strings.HasPrefix(call, "cuDevice"):
			fmt.Fprintln(&got, call)
		default:
			// Attributes of a function are set in one go.
			if !strings.HasPrefix(call, "cuFuncSetAttribute") || strings.HasSuffix(call, " 8 0") || strings.HasSuffix(call, " 8 4096") {
				require.Equal(t, thread+" cuCtxSetCurrent 0xc0", before, "before %s", call)
			}
			fmt.Fprintln(&got, call)
		}
		before = line
	}
	golden := filepath.Join("testdata", "calls.txt")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

func TestCallsChild(t *testing.T) {
	c := child(t)
	free, total, err := c.MemInfo()
	require.NoError(t, err)
	require.Equal(t, []int64{3 << 20, 4 << 20}, []int64{free, total})
	p, err := c.Alloc(1000)
	require.NoError(t, err)
	q, err := c.Alloc(2000)
	require.NoError(t, err)
	require.NoError(t, c.Free(q))
	pinned, dev, err := c.Pinned(64)
	require.NoError(t, err)
	require.Len(t, pinned, 64)
	require.Equal(t, device.Ptr(0x5000), dev)
	gone, _, err := c.Pinned(8)
	require.NoError(t, err)
	require.NoError(t, c.FreePinned(gone))
	m, err := c.LoadModule([]byte("ptx"))
	require.NoError(t, err)
	two, err := c.Function(m, "two2", 4096)
	require.NoError(t, err)
	none, err := c.Function(m, "none0", 0)
	require.NoError(t, err)
	s, err := c.NewStream()
	require.NoError(t, err)
	require.NoError(t, c.CopyIn(p, []byte("hello"), s))
	require.NoError(t, c.CopyIn(p, nil, s))
	out := make([]byte, 3)
	require.NoError(t, c.CopyOut(out, p+2, s))
	require.Equal(t, "!!!", string(out))
	require.NoError(t, c.Copy(p+16, p, 8, s))
	require.NoError(t, c.Zero(p, 1000, s))
	plain := device.Launch{Name: "two2", Function: two, Blocks: 70000, Threads: 96, Shared: 4096, Args: []device.Ptr{p, 0xfedcba9876543210}}
	require.NoError(t, c.Launch(plain, s))
	overlap := plain
	overlap.Overlap, overlap.Args = true, []device.Ptr{1, 2}
	require.NoError(t, c.Launch(overlap, s))
	require.NoError(t, c.Launch(device.Launch{Name: "none0", Function: none, Blocks: 1, Threads: 1}, s))
	g, err := c.Capture(s, func() error { return c.Launch(overlap, s) })
	require.NoError(t, err)
	require.NoError(t, c.Run(g, s))
	from, err := c.NewEvent()
	require.NoError(t, err)
	require.NoError(t, c.Record(from, s))
	done, err := c.Query(from)
	require.NoError(t, err)
	require.False(t, done)
	done, err = c.Query(from)
	require.NoError(t, err)
	require.True(t, done)
	ms, err := c.Elapsed(from, from)
	require.NoError(t, err)
	require.Equal(t, float32(1.5), ms)
	require.NoError(t, c.Synchronize(s))
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
}

// TestErrors compares the texts of errors to testdata/errors.txt.
func TestErrors(t *testing.T) {
	_, got := underFake(t, "TestErrorsChild")
	golden := filepath.Join("testdata", "errors.txt")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestErrorsChild(t *testing.T) {
	c := child(t)
	fmt.Println() // ends what -test.v has printed
	say := func(err error) {
		require.Error(t, err)
		e, ok := err.(*Error)
		require.True(t, ok, "%T", err)
		fmt.Printf("> %v (code %d, lost %v)\n", e, e.Code, e.Lost())
	}
	_, err := c.Alloc(1<<30 + 1)
	say(err)
	_, err = c.Alloc(0)
	say(err)
	_, _, err = c.Pinned(-1)
	say(err)
	_, err = c.LoadModule(nil)
	say(err)
	_, err = c.LoadModule([]byte("bad image"))
	say(err)
	m, err := c.LoadModule([]byte("ptx"))
	require.NoError(t, err)
	_, err = c.Function(m, "missing", 0)
	say(err)
	_, err = c.Function(m, "big0", 232449)
	say(err)
	trap, err := c.Function(m, "trap0", 0)
	require.NoError(t, err)
	s, err := c.NewStream()
	require.NoError(t, err)
	l := device.Launch{Name: "trap0", Function: trap, Blocks: 1, Threads: 32}
	wrong := l
	wrong.Blocks = 1 << 32
	say(c.Launch(wrong, s))
	g, err := c.Capture(s, func() error { return c.Launch(wrong, s) })
	say(err)
	require.Zero(t, g)

	ev, err := c.NewEvent()
	require.NoError(t, err)
	require.NoError(t, c.Launch(l, s))
	say(c.Synchronize(s))
	say(c.Record(ev, s))
	_, err = c.Query(ev)
	say(err)
	say(c.Zero(1, 77, s))
	l.Name = "next"
	say(c.Launch(l, s))
	require.NoError(t, c.Close())
}
