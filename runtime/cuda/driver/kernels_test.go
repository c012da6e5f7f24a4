package driver

import (
	"strings"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// kernels are the tests' kernels in PTX. Those that may overlap say so where the device can (compute capability 9.0).
func kernels(d device.Info) []byte {
	target, overlap := "sm_80", ""
	if d.Overlap {
		target, overlap = "sm_90", "griddepcontrol.launch_dependents; griddepcontrol.wait;"
	}
	return []byte(strings.NewReplacer("TARGET", target, "OVERLAP", overlap).Replace(`
.version 7.8
.target TARGET
.address_size 64

.extern .shared .align 16 .b8 dynamic[];

// nothing()
.visible .entry nothing() { OVERLAP ret; }

// mix(out, in): out[i] = 2*out[i] + in[i], for the i of all threads
.visible .entry mix(.param .u64 out, .param .u64 in)
{
	.reg .b32 %r<8>;
	.reg .b64 %rd<8>;
	OVERLAP
	ld.param.u64 %rd1, [out];
	ld.param.u64 %rd2, [in];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.u32 %r4, %r1, %r2, %r3;
	mul.wide.u32 %rd3, %r4, 4;
	add.u64 %rd1, %rd1, %rd3;
	add.u64 %rd2, %rd2, %rd3;
	ld.global.u32 %r5, [%rd1];
	ld.global.u32 %r6, [%rd2];
	shl.b32 %r5, %r5, 1;
	add.u32 %r5, %r5, %r6;
	st.global.u32 [%rd1], %r5;
	ret;
}

// shared(out): out[0] = bytes of dynamic shared memory, whose last word is written and read
.visible .entry shared(.param .u64 out)
{
	.reg .b32 %r<8>;
	.reg .b64 %rd<8>;
	ld.param.u64 %rd1, [out];
	mov.u32 %r1, %dynamic_smem_size;
	mov.u32 %r2, dynamic;
	add.u32 %r2, %r2, %r1;
	st.shared.u32 [%r2+-4], %r1;
	ld.shared.u32 %r3, [%r2+-4];
	st.global.u32 [%rd1], %r3;
	ret;
}

// fault() is an illegal instruction.
.visible .entry fault() { trap; }
`))
}
