package cpu

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHasAVX2 takes away one feature at a time.
func TestHasAVX2(t *testing.T) {
	type machine struct{ leaves, c1, b7, xcr0 uint32 }
	full := machine{leaves: 7, c1: leaf1AVX2, b7: leaf7AVX2, xcr0: xcr0YMM}
	has := func(m machine) bool {
		return hasAVX2(func(leaf, _ uint32) (a, b, c, d uint32) {
			switch leaf {
			case 0:
				return m.leaves, 0, 0, 0
			case 1:
				return 0, 0, m.c1, 0
			}
			return 0, m.b7, 0, 0
		}, func() uint32 {
			require.NotZero(t, m.c1&leaf1OSXSAVE, "XGETBV without OSXSAVE is an invalid instruction")
			return m.xcr0
		})
	}
	require.True(t, has(full))
	for name, lack := range map[string]func(*machine){
		"leaf 7":    func(m *machine) { m.leaves = 6 },
		"FMA":       func(m *machine) { m.c1 &^= leaf1FMA },
		"OSXSAVE":   func(m *machine) { m.c1 &^= leaf1OSXSAVE },
		"AVX":       func(m *machine) { m.c1 &^= leaf1AVX },
		"F16C":      func(m *machine) { m.c1 &^= leaf1F16C },
		"AVX2":      func(m *machine) { m.b7 = 0 },
		"YMM state": func(m *machine) { m.xcr0 = 1 << 1 },
	} {
		m := full
		lack(&m)
		require.False(t, has(m), name)
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
	avx2 := true
	for _, f := range []string{"avx2", "fma", "f16c"} {
		avx2 = avx2 && strings.Contains(flags+" ", " "+f+" ")
	}
	if avx2 {
		require.Equal(t, []string{"avx2", "portable"}, Levels())
	} else {
		require.Equal(t, []string{"portable"}, Levels())
	}
}
