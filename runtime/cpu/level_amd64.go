package cpu

// Feature bits of CPUID and XGETBV.
const (
	leaf1FMA     = 1 << 12 // ecx
	leaf1OSXSAVE = 1 << 27
	leaf1AVX     = 1 << 28
	leaf1F16C    = 1 << 29
	leaf1AVX2    = leaf1FMA | leaf1OSXSAVE | leaf1AVX | leaf1F16C
	leaf7AVX2    = 1 << 5      // ebx
	xcr0YMM      = 1<<1 | 1<<2 // the system saves XMM and YMM
)

// machineLevels lists the levels in assembly that this machine runs, best first.
func machineLevels() []string {
	if !hasAVX2(cpuid, xgetbv) {
		return nil
	}
	return []string{"avx2"}
}

// hasAVX2 is whether the CPU has AVX2, FMA and F16C, and the system keeps their registers.
func hasAVX2(cpuid func(leaf, subleaf uint32) (a, b, c, d uint32), xgetbv func() uint32) bool {
	most, _, _, _ := cpuid(0, 0)
	if most < 7 {
		return false
	}
	_, _, c, _ := cpuid(1, 0)
	_, b, _, _ := cpuid(7, 0)
	return c&leaf1AVX2 == leaf1AVX2 && b&leaf7AVX2 != 0 && xgetbv()&xcr0YMM == xcr0YMM
}

// cpuid is the CPUID instruction.
func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)

// xgetbv is the low half of XCR0. It needs OSXSAVE.
func xgetbv() uint32
