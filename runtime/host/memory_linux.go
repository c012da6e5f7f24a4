// Package host says how much memory this machine has for a process, and how much that has used.
package host

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// PeakMemory is the most memory that the process has had resident, in bytes; 0 where the system does not say.
func PeakMemory() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return max(0, kibibytes(b, "VmHWM"))
}

// AvailableMemory is how much memory can be had without swapping, -1 where the system does not say.
func AvailableMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return -1
	}
	n := kibibytes(b, "MemAvailable")
	limit, err := os.ReadFile("/sys/fs/cgroup/memory.max") // of a container
	if err != nil {
		return n
	}
	m, err := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64) // else it is "max"
	if err != nil || n >= 0 && n < m {
		return n
	}
	return m
}

// kibibytes is the value in bytes of a line "key:   123 kB", or -1.
func kibibytes(file []byte, key string) int64 {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		number, unit, _ := strings.Cut(strings.TrimSpace(value), " ")
		if name != key || unit != "kB" {
			continue
		}
		if n, err := strconv.ParseInt(number, 10, 53); err == nil && n >= 0 {
			return n * 1024
		}
	}
	return -1
}
