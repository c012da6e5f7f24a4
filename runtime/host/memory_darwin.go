package host

import "syscall"

// PeakMemory is the most memory that the process has had resident, in bytes; 0 where the system does not say.
func PeakMemory() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss // bytes here, kibibytes on other systems
}

// AvailableMemory is -1: macOS compresses and purges memory to make room, so there is no such number.
func AvailableMemory() int64 { return -1 }
