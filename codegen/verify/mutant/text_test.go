package mutant

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const emitted = `#include <metal_stdlib>
#define TEAM 32

inline float twice(float x) { return x + x; }
template <int THREADS>
float sum_group(float v, Place place) {
  v = simd_sum(v);
  for (int i = 0; i < THREADS / TEAM; i++) v += scratch[i];
  return twice(v);
}

// y: f32[q=1] = norm
kernel void norm_1(device const float* x [[buffer(0)]], device float* y [[buffer(1)]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31;
  float total = 0.0f;
  for (int i = self; i < 96; i += 256) total += x[i] * x[i + 1];
  total = sum_group<256>(total, place);
  y[self] = x[self] * rsqrtf(total / 96.0f + 1e-05f);
}

kernel void other_1(device float* y [[buffer(0)]]) {
  y[0] = 1.0f;
}
`

func TestMistakes(t *testing.T) {
	text := ReadText(emitted)
	require.Equal(t, []string{"twice", "sum_group", "norm_1", "other_1"}, text.Functions())
	said := map[string]bool{}
	for _, m := range text.Mistakes("norm_1") {
		require.False(t, said[m.String()], m)
		said[m.String()] = true
	}
	for _, want := range []string{
		"line 16: * becomes +: for (int i = self; i < 96; i += 256) total += x[i] «*» x[i + 1];",
		"line 16: a loop ends early: for (int i = self; i < «96»; i += 256) total += x[i] * x[i + 1];",
		"line 16: a sum keeps its last term: for (int i = self; i < 96; i += 256) total «+=» x[i] * x[i + 1];",
		"line 16: an element is the one before: for (int i = self; i < 96; i += 256) total += x[i] * x[«i + 1»];",
		"line 17: sum becomes max: total = «sum»_group<256>(total, place);",
		"line 17: a value stays as it was: «total = sum_group<256>(total, place);»",
		"line 18: rsqrt becomes sqrt: y[self] = x[self] * «rsqrt»f(total / 96.0f + 1e-05f);",
		"line 18: a term is dropped: y[self] = x[self] * rsqrtf(total / 96.0f« + 1e-05f»);",
		"line 18: a float is half as much again: y[self] = x[self] * rsqrtf(total / «96.0»f + 1e-05f);",
		"line 18: / becomes *: y[self] = x[self] * rsqrtf(total «/» 96.0f + 1e-05f);",
	} {
		require.True(t, said["norm_1: "+want], "%s\namong %v", want, said)
	}
	for s := range said {
		require.NotContains(t, s, "line 14", "which thread it is")
		require.NotContains(t, s, "1e«-»05f")
	}
	require.Len(t, text.Mistakes("twice"), 2)
}

// TestPlant: a mistake in a function is in copies of it and of what calls it, and in nothing else.
func TestPlant(t *testing.T) {
	text := ReadText(emitted)
	ms := []Mistake{text.Mistakes("twice")[0], text.Mistakes("other_1")[0]}
	p := text.Plant(ms)
	require.True(t, strings.HasPrefix(p.Source, emitted))
	planted := strings.TrimPrefix(p.Source, emitted)
	for _, want := range []string{
		"inline float twice_m0(float x) { return x - x; }", "return twice_m0(v);", "float sum_group_m0(float v",
		"kernel void norm_1_m0(", "total = sum_group_m0<256>(total, place);", "kernel void other_1_m1(",
	} {
		require.Contains(t, planted, want)
	}
	require.NotContains(t, planted, "other_1_m0")
	name, ok := p.Renamed(0, "norm_1")
	require.True(t, ok)
	require.Equal(t, "norm_1_m0", name)
	_, ok = p.Renamed(1, "norm_1")
	require.False(t, ok)
	for i, line := range strings.Split(p.Source, "\n") {
		switch {
		case strings.Contains(line, "_m0"):
			require.Equal(t, 0, p.At(i+1), line)
		case strings.Contains(line, "_m1"):
			require.Equal(t, 1, p.At(i+1), line)
		}
	}
	require.Equal(t, -1, p.At(3))
}

func TestMistakesInGo(t *testing.T) {
	text := ReadText(`package kernels

import (
	"math"
)

func norm(a *cpu.Args, scratch []float32, g int) {
	x, y := a.F32(0), a.F32(1)
	for i := range 24 {
		y[i] = x[i] * cpu.Rsqrt(x[i]+1e-05)
	}
	k.Set(1, 2)
}
`)
	require.Equal(t, []string{"norm"}, text.Functions())
	var said []string
	for _, m := range text.Mistakes("norm") {
		said = append(said, m.String())
	}
	require.Contains(t, said, "norm: line 10: Rsqrt becomes Sqrt: y[i] = x[i] * cpu.«Rsqrt»(x[i]+1e-05)")
	require.Contains(t, said, "norm: line 9: a loop ends early: for i := range «24» {")
	require.Contains(t, said, "norm: line 12: a value is not stored: «k.Set(1, 2)»")
}
