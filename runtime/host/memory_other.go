//go:build !linux && !darwin && !windows

package host

// PeakMemory is 0: nothing is known of it here.
func PeakMemory() int64 { return 0 }

// AvailableMemory is -1: nothing is known of it here.
func AvailableMemory() int64 { return -1 }
