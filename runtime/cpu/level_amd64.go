package cpu

// features are bits of CPUID and XGETBV.
type features struct {
	leaf1C, leaf7B, leaf7C uint32
	xcr0                   uint32 // registers that the system saves
}

const leaf1OSXSAVE = 1 << 27 // ecx

var (
	// AVX2, FMA and F16C.
	avx2 = features{leaf1C: 1<<12 | leaf1OSXSAVE | 1<<28 | 1<<29, leaf7B: 1 << 5, xcr0: 1<<1 | 1<<2}
	// AVX-512 F, DQ, BW, VL and VNNI, beside that.
	avx512VNNI = features{leaf7B: 1<<16 | 1<<17 | 1<<30 | 1<<31, leaf7C: 1 << 11, xcr0: 1<<5 | 1<<6 | 1<<7}
)

// machineLevels lists the levels in assembly that this machine runs, best first.
func machineLevels() []string { return levelsOf(machineFeatures(cpuid, xgetbv)) }

func levelsOf(f features) []string {
	switch {
	case !f.has(avx2):
		return nil
	case !f.has(avx512VNNI):
		return []string{"avx2"}
	}
	return []string{"avx512vnni", "avx2"}
}

func (f features) has(g features) bool {
	return f.leaf1C&g.leaf1C == g.leaf1C && f.leaf7B&g.leaf7B == g.leaf7B && f.leaf7C&g.leaf7C == g.leaf7C && f.xcr0&g.xcr0 == g.xcr0
}

// machineFeatures reads what the CPU has and the system keeps.
func machineFeatures(cpuid func(leaf, subleaf uint32) (a, b, c, d uint32), xgetbv func() uint32) features {
	var f features
	if most, _, _, _ := cpuid(0, 0); most < 7 {
		return f
	}
	_, _, f.leaf1C, _ = cpuid(1, 0)
	_, f.leaf7B, f.leaf7C, _ = cpuid(7, 0)
	if f.leaf1C&leaf1OSXSAVE != 0 {
		f.xcr0 = xgetbv()
	}
	return f
}

// cpuid is the CPUID instruction.
func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)

// xgetbv is the low half of XCR0. It needs OSXSAVE.
func xgetbv() uint32
