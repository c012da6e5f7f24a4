package driver

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// The tests of this file run on the first device, and are skipped where there is none.

// firstDevice opens the first device.
func firstDevice(t testing.TB) device.Context {
	if os.Getenv("FAKECUDA") != "" {
		t.Skip("needs an NVIDIA GPU: the driver is a fake")
	}
	d, err := Load()
	if err != nil {
		t.Skipf("needs an NVIDIA GPU: %v", err)
	}
	c, err := d.Open(0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// bench is what most tests use.
type bench struct {
	device.Context
	t      testing.TB
	module device.Module
	stream device.Stream
}

func newBench(t testing.TB) *bench {
	b := &bench{Context: firstDevice(t), t: t}
	var err error
	b.module, err = b.LoadModule(kernels(b.Info()))
	require.NoError(t, err)
	b.stream, err = b.NewStream()
	require.NoError(t, err)
	return b
}

func (b *bench) kernel(name string, blocks, threads, shared int, args ...device.Ptr) device.Launch {
	f, err := b.Function(b.module, name, shared)
	require.NoError(b.t, err)
	return device.Launch{Name: name, Function: f, Blocks: blocks, Threads: threads, Shared: shared, Args: args}
}

// words is new device memory of these words.
func (b *bench) words(v ...uint32) device.Ptr {
	p, err := b.Alloc(int64(4 * len(v)))
	require.NoError(b.t, err)
	data := make([]byte, 4*len(v))
	for i, w := range v {
		binary.LittleEndian.PutUint32(data[4*i:], w)
	}
	require.NoError(b.t, b.CopyIn(p, data, b.stream))
	return p
}

// read is n words of device memory, after all that is queued.
func (b *bench) read(p device.Ptr, n int) []uint32 {
	data := make([]byte, 4*n)
	require.NoError(b.t, b.CopyOut(data, p, b.stream))
	require.NoError(b.t, b.Synchronize(b.stream))
	v := make([]uint32, n)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return v
}

func TestDevice(t *testing.T) {
	c := firstDevice(t)
	i := c.Info()
	t.Logf("%+v", i)
	require.NotEmpty(t, i.Name)
	require.GreaterOrEqual(t, strings.TrimPrefix(i.Arch, "sm_"), "50")
	require.GreaterOrEqual(t, i.Shared, 48<<10)
	require.Contains(t, i.Driver, "CUDA ")
	require.Positive(t, i.Cores)
	free, total, err := c.MemInfo()
	require.NoError(t, err)
	require.LessOrEqual(t, free, total)
	require.Equal(t, i.Memory, total)
}

func TestMemory(t *testing.T) {
	b := newBench(t)
	_, err := b.Alloc(1 << 50)
	require.ErrorContains(t, err, "cuda: cuMemAlloc (1125899906842624 bytes): CUDA_ERROR_OUT_OF_MEMORY: ")

	before, _, err := b.MemInfo()
	require.NoError(t, err)
	big, err := b.Alloc(1 << 30)
	require.NoError(t, err)
	with, _, err := b.MemInfo()
	require.NoError(t, err)
	require.InDelta(t, before-1<<30, with, 1<<26)
	require.NoError(t, b.Free(big))

	p := b.words(1, 2, 3, 4)
	q := b.words(0, 0, 0, 0)
	require.NoError(t, b.Copy(q+4, p, 12, b.stream))
	require.Equal(t, []uint32{0, 1, 2, 3}, b.read(q, 4))
	require.NoError(t, b.Zero(q+8, 5, b.stream))
	require.Equal(t, []uint32{0, 1, 0, 0}, b.read(q, 4))
}

// The device reads and writes pinned memory, through its address and by copies that do not wait.
func TestPinned(t *testing.T) {
	b := newBench(t)
	host, dev, err := b.Pinned(4096)
	require.NoError(t, err)
	require.Len(t, host, 4096)
	binary.LittleEndian.PutUint32(host, 20)
	binary.LittleEndian.PutUint32(host[1024:], 2)
	require.NoError(t, b.Launch(b.kernel("mix", 1, 1, 0, dev, dev+1024), b.stream))
	require.NoError(t, b.Synchronize(b.stream))
	require.Equal(t, uint32(42), binary.LittleEndian.Uint32(host))
	p := b.words(7)
	require.NoError(t, b.CopyOut(host[2048:2052], p, b.stream))
	require.NoError(t, b.Synchronize(b.stream))
	require.Equal(t, uint32(7), binary.LittleEndian.Uint32(host[2048:]))
	require.NoError(t, b.FreePinned(host))
}

// A chain of kernels whose order shows in the result: with overlap each waits for the one before it.
func TestLaunch(t *testing.T) {
	for _, overlap := range []bool{false, true} {
		b := newBench(t)
		if overlap && !b.Info().Overlap {
			t.Skip("overlap needs compute capability 9.0")
		}
		const blocks, threads = 300, 96
		start, add := make([]uint32, blocks*threads), make([]uint32, blocks*threads)
		for i := range start {
			start[i], add[i] = uint32(i), uint32(3*i+1)
		}
		out, in := b.words(start...), b.words(add...)
		l := b.kernel("mix", blocks, threads, 0, out, in)
		l.Overlap = overlap
		for range 10 {
			require.NoError(t, b.Launch(l, b.stream))
		}
		for i, got := range b.read(out, blocks*threads) {
			want := uint32(i)
			for range 10 {
				want = 2*want + uint32(3*i+1)
			}
			require.Equal(t, want, got, "word %d", i)
		}
	}
}

// Goroutines take turns, on whatever threads they are.
func TestThreads(t *testing.T) {
	b := newBench(t)
	out, in := b.words(0), b.words(1)
	l := b.kernel("mix", 1, 1, 0, out, in)
	var turn sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			goruntime.LockOSThread() // so that each has a thread of its own
			turn.Lock()
			defer turn.Unlock()
			if err := b.Launch(l, b.stream); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, []uint32{255}, b.read(out, 1))
}

func TestSharedMemory(t *testing.T) {
	b := newBench(t)
	most := b.Info().Shared
	out := b.words(0)
	require.NoError(t, b.Launch(b.kernel("shared", 1, 32, most, out), b.stream))
	require.Equal(t, []uint32{uint32(most)}, b.read(out, 1))
	_, err := b.Function(b.module, "shared", most+1)
	require.ErrorContains(t, err, "cuFuncSetAttribute (kernel shared, ")
	require.ErrorContains(t, err, "CUDA_ERROR_INVALID_VALUE")
	l := b.kernel("shared", 1, 32, 1024, out)
	l.Shared = most
	err = b.Launch(l, b.stream)
	require.ErrorContains(t, err, "cuda: cuLaunchKernelEx (kernel shared): CUDA_ERROR_INVALID_VALUE")
	require.False(t, err.(*Error).Lost())
}

// Two launches and a copy, run three times; nothing of them runs before.
func TestCapture(t *testing.T) {
	for _, overlap := range []bool{false, true} {
		b := newBench(t)
		out, in, copied := b.words(1), b.words(1), b.words(0, 0)
		l := b.kernel("mix", 1, 1, 0, out, in)
		l.Overlap = overlap && b.Info().Overlap
		g, err := b.Capture(b.stream, func() error {
			return errors.Join(b.Launch(l, b.stream), b.Launch(l, b.stream), b.Copy(copied+4, out, 4, b.stream))
		})
		require.NoError(t, err)
		require.Equal(t, []uint32{1}, b.read(out, 1))
		l.Args[0] = 0 // the graph has its own arguments
		want := uint32(1)
		for range 3 {
			require.NoError(t, b.Run(g, b.stream))
			want = 2*(2*want+1) + 1
			require.Equal(t, []uint32{0, want}, b.read(copied, 2))
		}
		require.NoError(t, b.FreeGraph(g))

		failed := errors.New("of the caller")
		_, err = b.Capture(b.stream, func() error { return failed })
		require.Equal(t, failed, err)
		_, err = b.Capture(b.stream, func() error { return b.Synchronize(b.stream) })
		require.ErrorContains(t, err, "cuda: cuStreamSynchronize: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")
		require.Equal(t, []uint32{1}, b.read(in, 1)) // the stream is good again
	}
}

func TestBadModules(t *testing.T) {
	b := newBench(t)
	_, err := b.Function(b.module, "none", 0)
	require.ErrorContains(t, err, "cuda: cuModuleGetFunction (kernel none): CUDA_ERROR_NOT_FOUND: ")
	_, err = b.LoadModule([]byte("neither PTX nor a cubin"))
	require.ErrorContains(t, err, "cuda: cuModuleLoadDataEx (a module of 23 bytes): CUDA_ERROR_INVALID_")
	t.Log(err)
	_, err = b.LoadModule([]byte(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k() { addd.s32 %r1, %r2; }\n"))
	require.ErrorContains(t, err, "cuda: cuModuleLoadDataEx (a module of ")
	require.ErrorContains(t, err, "line 4")
	require.NotContains(t, err.Error(), "\n")
	t.Log(err)
	_, err = b.LoadModule([]byte(".version 7.8\n.target sm_199\n"))
	require.Error(t, err)
	t.Log(err)
}

func TestEvents(t *testing.T) {
	b := newBench(t)
	from, err := b.NewEvent()
	require.NoError(t, err)
	to, err := b.NewEvent()
	require.NoError(t, err)
	const n = 256 << 20
	p, err := b.Alloc(2 * n)
	require.NoError(t, err)
	require.NoError(t, b.Record(from, b.stream))
	for range 20 {
		require.NoError(t, b.Copy(p+n, p, n, b.stream))
	}
	require.NoError(t, b.Record(to, b.stream))
	done, err := b.Query(to)
	require.NoError(t, err)
	require.False(t, done, "5 GB were copied at once")
	for !done {
		done, err = b.Query(to)
		require.NoError(t, err)
	}
	ms, err := b.Elapsed(from, to)
	require.NoError(t, err)
	require.Positive(t, ms)
	t.Logf("20 copies of %d MB in %.2f ms: %.0f GB/s read and written", n>>20, ms, 2*20*n/float64(ms)/1e6)
}

// A kernel that faults is named by the call that notices, and the device is lost to the process. So it has one of its own.
func TestFault(t *testing.T) {
	if os.Getenv("FAULT") == "" {
		firstDevice(t)
		cmd := exec.Command(os.Args[0], "-test.run", "^TestFault$", "-test.v")
		cmd.Env = append(os.Environ(), "FAULT=1")
		out, err := cmd.CombinedOutput()
		t.Log(string(out))
		require.NoError(t, err)
		return
	}
	b := newBench(t)
	require.NoError(t, b.Launch(b.kernel("nothing", 1, 1, 0), b.stream))
	require.NoError(t, b.Launch(b.kernel("fault", 1, 1, 0), b.stream))
	err := b.Synchronize(b.stream)
	t.Log(err)
	require.ErrorContains(t, err, "cuda: cuStreamSynchronize (after kernel fault): CUDA_ERROR_")
	require.True(t, err.(*Error).Lost())
	_, err = b.Alloc(16)
	require.ErrorContains(t, err, "cuda: cuMemAlloc (16 bytes, after kernel fault): CUDA_ERROR_")
	require.NoError(t, b.Close())

	d, err := Load()
	require.NoError(t, err)
	_, err = d.Open(0)
	t.Log(err)
	require.ErrorContains(t, err, "cuda: cuDevicePrimaryCtxRetain (device 0, ")
	require.True(t, err.(*Error).Lost())
}

// BenchmarkLaunch is the host's time to queue a kernel, in bursts that the device's queue has room for.
func BenchmarkLaunch(b *testing.B) {
	const burst = 256
	for _, overlap := range []bool{false, true} {
		name := "plain"
		if overlap {
			name = "overlap"
		}
		b.Run(name, func(b *testing.B) {
			d := newBench(b)
			l := d.kernel("nothing", 1, 32, 0)
			l.Overlap = overlap
			l.Args = []device.Ptr{1, 2, 3, 4, 5}
			var total time.Duration
			best := time.Hour
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				for range burst {
					if err := d.Launch(l, d.stream); err != nil {
						b.Fatal(err)
					}
				}
				took := time.Since(start)
				total += took
				best = min(best, took)
				if err := d.Synchronize(d.stream); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(total.Nanoseconds())/float64(b.N)/burst, "host-ns/launch")
			b.ReportMetric(float64(best.Nanoseconds())/burst, "best-ns/launch")
		})
	}
}

// BenchmarkGraph is the host's time to queue a graph of 200 kernels, and the device's time for one of its kernels.
func BenchmarkGraph(b *testing.B) {
	for _, overlap := range []bool{false, true} {
		name := "plain"
		if overlap {
			name = "overlap"
		}
		b.Run(name, func(b *testing.B) {
			d := newBench(b)
			l := d.kernel("nothing", 132, 256, 0)
			l.Overlap = overlap
			g, err := d.Capture(d.stream, func() error {
				for range 200 {
					if err := d.Launch(l, d.stream); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(b, err)
			require.NoError(b, d.Run(g, d.stream)) // the first one uploads it
			from, err := d.NewEvent()
			require.NoError(b, err)
			to, err := d.NewEvent()
			require.NoError(b, err)
			var device float64
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				require.NoError(b, d.Record(from, d.stream))
				b.StartTimer()
				if err := d.Run(g, d.stream); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				require.NoError(b, d.Record(to, d.stream))
				require.NoError(b, d.Synchronize(d.stream))
				ms, err := d.Elapsed(from, to)
				require.NoError(b, err)
				device += float64(ms)
				b.StartTimer()
			}
			b.ReportMetric(device/float64(b.N)/200*1e6, "device-ns/kernel")
		})
	}
}

// BenchmarkQuery is the host's time to ask an event, which waiting for a step does over and over.
func BenchmarkQuery(b *testing.B) {
	d := newBench(b)
	e, err := d.NewEvent()
	require.NoError(b, err)
	require.NoError(b, d.Record(e, d.stream))
	require.NoError(b, d.Synchronize(d.stream))
	b.ReportAllocs()
	for b.Loop() {
		if done, err := d.Query(e); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}
