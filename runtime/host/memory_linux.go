package host

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// PeakMemory is the most memory that the process has had resident, in bytes; 0 where the system does not say.
func PeakMemory() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return max(0, kibibytes(b, "VmHWM"))
}

// AvailableMemory is how much memory can be had without swapping: of the machine, of the control groups that the process is in, and
// of the addresses that it may use (ulimit -v). It is -1 where the system does not say.
func AvailableMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return -1
	}
	n := kibibytes(b, "MemAvailable")
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for _, m := range []int64{groupRoom(os.DirFS("/sys/fs/cgroup"), string(groups)), addressRoom()} {
		if m >= 0 && (n < 0 || m < n) {
			n = m
		}
	}
	return n
}

// addressRoom is what the limit of the address space leaves, -1 without one.
func addressRoom() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil || limit.Cur > math.MaxInt64 {
		return -1
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	used := kibibytes(status, "VmSize")
	if used < 0 {
		return -1
	}
	return max(0, int64(limit.Cur)-used)
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
