package tiles

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// pageEnd is memory before a page that may not be touched.
type pageEnd struct{ memory []byte }

func newPageEnd(t *testing.T) pageEnd {
	const size = 1 << 17
	page := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	require.NoError(t, syscall.Mprotect(m[size:], syscall.PROT_NONE))
	return pageEnd{m[:size:size]}
}

// bytes is the last n bytes.
func (p pageEnd) bytes(n int) []byte { return p.memory[len(p.memory)-n:] }

func (p pageEnd) floats(n int) []float32 {
	b := p.bytes(4 * n)
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// bigBytes is memory in huge pages: with pages of 4 KiB the speed of reading it swings with where they happen to lie.
func bigBytes(tb testing.TB, n int) []byte {
	m, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = syscall.Munmap(m) })
	require.NoError(tb, syscall.Madvise(m, syscall.MADV_HUGEPAGE))
	return m
}
