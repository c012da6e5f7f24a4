//go:build !cu

package driver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// linked says that this program is linked to libcuda.
const linked = false

func TestNoDriver(t *testing.T) {
	t.Setenv("LLORCH_CUDA", "/nonexistent/libcuda.so.1")
	_, err := loadAPI()
	require.ErrorContains(t, err, "cuda: no driver was found: is an NVIDIA driver installed? Tried /nonexistent/libcuda.so.1")
	t.Log(err)
}

// A library that is not the driver is named as one.
func TestOldDriver(t *testing.T) {
	if _, err := open("libm.so.6"); err != nil {
		t.Skip(err)
	}
	_, err := openLibrary([]string{"libm.so.6"})
	require.ErrorContains(t, err, "cuda: the driver's library has no cuInit: it is older than CUDA 11.8")
}

// A launch allocates nothing.
func TestLaunchAllocates(t *testing.T) {
	dir := fakeDriver(t)
	a, err := openLibrary([]string{dir + "/libcuda.so.1"})
	require.NoError(t, err)
	d, err := start(a)
	require.NoError(t, err)
	c, err := d.Open(0)
	require.NoError(t, err)
	f, err := c.Function(0x30, "two2", 0)
	require.NoError(t, err)
	l := device.Launch{Name: "two2", Function: f, Blocks: 1, Threads: 1, Args: []device.Ptr{1, 2}, Overlap: true}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := c.Launch(l, 0x51); err != nil {
			t.Fatal(err)
		}
	}))
	require.NoError(t, c.Close())
}

// BenchmarkFakeLaunch is the cost of a launch but for the driver.
func BenchmarkFakeLaunch(b *testing.B) {
	a, err := openLibrary([]string{fakeDriver(b) + "/libcuda.so.1"})
	require.NoError(b, err)
	d, err := start(a)
	require.NoError(b, err)
	c, err := d.Open(0)
	require.NoError(b, err)
	f, err := c.Function(0x30, "two2", 0)
	require.NoError(b, err)
	l := device.Launch{Name: "two2", Function: f, Blocks: 1, Threads: 1, Args: []device.Ptr{1, 2}, Overlap: true}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Launch(l, 0x51); err != nil {
			b.Fatal(err)
		}
	}
}
