package verify_test

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/codegen/verify/mutant"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

// perBatch is how many mistakes are compiled at a time.
const perBatch = 100

// TestPlantedInMetal plants mistakes in kernels.metal: in every kernel, and in every function of the prelude and of the dialect that they
// call. There are a few of each function, or all of two models where LLORCH_MUTANTS is set.
func TestPlantedInMetal(t *testing.T) {
	clang, err := emulator.Find()
	if err != nil {
		t.Skip(err)
	}
	for _, name := range plantedModels() {
		t.Run(name, func(t *testing.T) {
			l := inMetal(t, clang, name)
			sum := newTally()
			for ms := range slices.Chunk(l.mistakes(5), perBatch) {
				l.run(t, l.plant(t, ms), sum)
			}
			l.sums(t, sum)
		})
	}
}

func inMetal(t *testing.T, clang *emulator.Compiler, model string) *language {
	s, c := plantable(t, model, "tiny metal")
	c.Program.Target = "metal"
	files, err := c.Files(nil)
	require.NoError(t, err)
	return &language{
		setup: s, compiled: c, text: mutant.ReadText(string(files[codegen.MetalSource])), file: codegen.MetalSource, same: sameInMetal,
		functionOf: func(k *runtime.Kernel) string { return k.Name },
		refused: func(source string) []int {
			_, err := clang.Compile(t.Context(), []byte(source), emulator.Options{Name: codegen.MetalSource, Checked: true})
			return complaints(t, err)
		},
		engine: func(t *testing.T, source string, c *codegen.Compiled) (runtime.Engine, error) {
			d, err := metal.Emulated(metal.EmulateOptions{Checked: true})
			require.NoError(t, err)
			return gpu.New(c.Program, c.Weights(s.src), func(device.Info) ([]byte, error) { return []byte(source), nil }, d, gpu.Options{})
		},
	}
}

var clangError = regexp.MustCompile(`(?m)^kernels\.metal:(\d+):\d+: error`)

// complaints are the lines that clang refuses.
func complaints(t *testing.T, err error) []int {
	if err == nil {
		return nil
	}
	var e *emulator.CompileError
	require.True(t, errors.As(err, &e), "%s", err)
	lines := []int{e.Line}
	for _, m := range clangError.FindAllStringSubmatch(e.Log, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		lines = append(lines, n)
	}
	return lines
}
