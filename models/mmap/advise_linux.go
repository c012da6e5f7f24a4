package mmap

import "syscall"

// Nothing is lost where the system does not heed the advice.

// release drops pages of a read-only mapping of a file.
func release(b []byte) { _ = syscall.Madvise(b, syscall.MADV_DONTNEED) }

func wantLargePages(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
