package mmap

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpen(t *testing.T) {
	page := os.Getpagesize()
	for name, size := range map[string]int{
		"empty": 0, "one byte": 1, "one page": page, "a page and a byte": page + 1, "many pages": 17*page - 3,
	} {
		t.Run(name, func(t *testing.T) {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(i * 7 >> 3)
			}
			path := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(path, want, 0o600))

			f, err := Open(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, f.Data()), "data differs from what was written")
			require.Equal(t, canMap && size > 0, f.mapped)

			require.NoError(t, f.Close())
			require.Nil(t, f.Data())
			require.NoError(t, f.Close(), "second Close")
		})
	}
}

// A mapping shows what is written to the file later; a copy would not.
func TestOpenDoesNotCopy(t *testing.T) {
	if !canMap {
		t.Skip("this system reads instead of mapping")
	}
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()

	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = w.WriteAt([]byte("after!"), 0)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, "after!", string(f.Data()))
}

func TestOpenMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent")
	_, err := Open(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
}

func TestOpenDirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	require.ErrorContains(t, err, dir)
}

// Released pages are read again from the file, and memory that is no mapping keeps what it holds.
func TestRelease(t *testing.T) {
	want := make([]byte, 5*os.Getpagesize()+7)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, want, 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	for _, part := range [][2]int{{0, len(want)}, {3, 3}, {17, 4*os.Getpagesize() + 1}, {len(want) - 2, len(want)}} {
		f.Release(f.Data()[part[0]:part[1]])
		require.True(t, bytes.Equal(want, f.Data()))
	}
	own := &File{data: bytes.Clone(want)}
	own.Release(own.data)
	require.True(t, bytes.Equal(want, own.data))
}

func TestWantLargePages(t *testing.T) {
	for _, n := range []int{0, 1, LargePage, 3*LargePage + 5} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i)
		}
		WantLargePages(b)
		for i := range b {
			if b[i] != byte(i) {
				t.Fatalf("byte %d of %d changed", i, n)
			}
		}
		inner := within(b, LargePage)
		require.Zero(t, len(inner)%LargePage)
		require.LessOrEqual(t, n-len(inner), 2*LargePage)
	}
}
