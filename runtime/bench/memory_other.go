//go:build !linux && !darwin && !windows

package bench

// peakMemory is 0: nothing is known of it here.
func peakMemory() int64 { return 0 }

// availableMemory is -1: nothing is known of it here.
func availableMemory() int64 { return -1 }
