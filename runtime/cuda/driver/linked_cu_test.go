//go:build cu

package driver

// linked says that this program is linked to libcuda.
const linked = true
