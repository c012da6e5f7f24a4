package cpu

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLevelsOf takes away one feature at a time.
func TestLevelsOf(t *testing.T) {
	type machine struct{ leaves, c1, b7, c7, xcr0 uint32 }
	full := machine{leaves: 7, c1: 1<<12 | 1<<27 | 1<<28 | 1<<29, b7: 1<<5 | 1<<16 | 1<<17 | 1<<30 | 1<<31, c7: 1 << 11, xcr0: 0xe6}
	levels := func(m machine) []string {
		return levelsOf(machineFeatures(func(leaf, _ uint32) (a, b, c, d uint32) {
			switch leaf {
			case 0:
				return m.leaves, 0, 0, 0
			case 1:
				return 0, 0, m.c1, 0
			}
			return 0, m.b7, m.c7, 0
		}, func() uint32 {
			require.NotZero(t, m.c1&leaf1OSXSAVE, "XGETBV without OSXSAVE is an invalid instruction")
			return m.xcr0
		}))
	}
	require.Equal(t, []string{"avx512vnni", "avx2"}, levels(full))
	for name, lack := range map[string]func(*machine){
		"leaf 7":    func(m *machine) { m.leaves = 6 },
		"FMA":       func(m *machine) { m.c1 &^= 1 << 12 },
		"OSXSAVE":   func(m *machine) { m.c1 &^= leaf1OSXSAVE },
		"AVX":       func(m *machine) { m.c1 &^= 1 << 28 },
		"F16C":      func(m *machine) { m.c1 &^= 1 << 29 },
		"AVX2":      func(m *machine) { m.b7 &^= 1 << 5 },
		"YMM state": func(m *machine) { m.xcr0 &^= 1 << 2 },
	} {
		m := full
		lack(&m)
		require.Empty(t, levels(m), name)
	}
	for name, lack := range map[string]func(*machine){
		"AVX512F":      func(m *machine) { m.b7 &^= 1 << 16 },
		"AVX512DQ":     func(m *machine) { m.b7 &^= 1 << 17 },
		"AVX512BW":     func(m *machine) { m.b7 &^= 1 << 30 },
		"AVX512VL":     func(m *machine) { m.b7 &^= 1 << 31 },
		"VNNI":         func(m *machine) { m.c7 = 0 },
		"opmask state": func(m *machine) { m.xcr0 &^= 1 << 5 },
		"ZMM state":    func(m *machine) { m.xcr0 &^= 1 << 6 },
		"ZMM16 state":  func(m *machine) { m.xcr0 &^= 1 << 7 },
	} {
		m := full
		lack(&m)
		require.Equal(t, []string{"avx2"}, levels(m), name)
	}
}

// TestLevelsAreTheKernels compares with what Linux says of the CPU.
func TestLevelsAreTheKernels(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	_, flags, _ := strings.Cut(string(info), "\nflags")
	flags, _, _ = strings.Cut(flags, "\n")
	var want []string
	for _, level := range [][]string{
		{"avx512vnni", "avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni"},
		{"avx2", "avx2", "fma", "f16c"},
	} {
		if !slices.ContainsFunc(level[1:], func(f string) bool { return !strings.Contains(flags+" ", " "+f+" ") }) {
			want = append(want, level[0])
		}
	}
	require.Equal(t, append(want, "portable"), Levels())
}
