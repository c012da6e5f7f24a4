package driver

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// The sizes and offsets of cuda.h of CUDA 12.9, as gcc has them on x86-64 and aarch64.
func TestLayout(t *testing.T) {
	var c launchConfig
	var a launchAttribute
	for _, x := range []struct {
		what      string
		got, want uintptr
	}{
		{"sizeof CUlaunchConfig", unsafe.Sizeof(c), 56},
		{"gridDimY", unsafe.Offsetof(c.gridY), 4},
		{"blockDimX", unsafe.Offsetof(c.blockX), 12},
		{"sharedMemBytes", unsafe.Offsetof(c.shared), 24},
		{"hStream", unsafe.Offsetof(c.stream), 32},
		{"attrs", unsafe.Offsetof(c.attrs), 40},
		{"numAttrs", unsafe.Offsetof(c.numAttrs), 48},
		{"sizeof CUlaunchAttribute", unsafe.Sizeof(a), 72},
		{"value", unsafe.Offsetof(a.value), 8},
		{"sizeof CUlaunchAttributeValue", unsafe.Sizeof(a.value), 64},
		{"sizeof CUdeviceptr", unsafe.Sizeof(device.Ptr(0)), 8},
	} {
		require.Equal(t, x.want, x.got, x.what)
	}
}

func TestErrorText(t *testing.T) {
	for _, x := range []struct {
		err  Error
		want string
	}{
		{Error{Call: "cuInit", Name: "error 5000"}, "cuda: cuInit: error 5000"},
		{Error{Call: "cuMemAlloc", Name: "CUDA_ERROR_OUT_OF_MEMORY", Text: "out of memory", What: "7 bytes"},
			"cuda: cuMemAlloc (7 bytes): CUDA_ERROR_OUT_OF_MEMORY: out of memory"},
	} {
		require.Equal(t, x.want, x.err.Error())
	}
}

func TestLost(t *testing.T) {
	for code, want := range map[int]bool{
		1: false, 2: false, 200: false, 208: false, 218: false, 400: false, 500: false, 600: false, 701: false, 720: false, 901: false,
		46: true, 214: true, 220: true, 700: true, 702: true, 710: true, 714: true, 715: true, 716: true, 717: true, 718: true, 719: true, 999: true,
	} {
		require.Equal(t, want, (&Error{Code: code}).Lost(), code)
	}
}
