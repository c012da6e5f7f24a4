//go:build !linux

package mmap

// release leaves it to the system: it takes clean pages back when memory is short.
func release([]byte) {}

func wantLargePages([]byte) {}
