package mmap

import "syscall"

// release drops whole pages of a read-only mapping of a file. Nothing is lost if it fails.
func release(b []byte) { _ = syscall.Madvise(b, syscall.MADV_DONTNEED) }
