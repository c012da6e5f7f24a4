package clike_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen/clike"
)

// owning is a kernel whose vector goes from registers into the form that tiles take. The parts of its sum lie behind the rings.
const owning = `func f(x in_f32, w in_f32, a weight_q4_0frag, b weight_q4_0frag, y out_f32) {
	grid(block, 128)
	group(acc, 32)
	group(xn, 2048)
	row := block * 16
	total := sum(i, 2048, x[i]*x[i])
	for j := range lanes(2048) {
		xn[j] = x[j] * (1.0 + w[j])
	}
	dot(acc, 0, a, row*2048, 2048, xn, 0, 2048, 16, 1, 2048)
	dot(acc, 16, b, row*2048, 2048, xn, 0, 2048, 16, 1, 2048)
	factor := rsqrt(total)
	for r := range lanes(16) {
		y[row+r] = acc[r] * acc[16+r] * factor
	}
}
`

// fixedW says that the second buffer never changes.
func fixedW() clike.Options {
	o := options()
	o.Fixed = func(_, buf int) int64 {
		if buf == 1 {
			return 4 * 2048
		}
		return 0
	}
	return o
}

func TestOwn(t *testing.T) {
	src, _ := emit(t, fixedW(), parse(t, owning))
	body := spellings[0].own(src)
	body = strings.ReplaceAll(body, "gemv::Gemv<gemv::Codes<4, 8, false, false, false>, 2048, 8, 1, 1, 8, 1>", "T")
	body = strings.ReplaceAll(body, " + size_t(row * 2048 >> 9) * 288", "")
	require.Equal(t, `  float* const acc = (float*)(memory + 0);
  const int row = block * 16;
  T::fetch(memory + 6528, a, 16);
  gemv::Own<2048, 256> w_own;
  w_own.load(w);
  wait_for_inputs();
  gemv::Own<2048, 256> x_own;
  x_own.load(x);
  T::rest(memory + 6528, a, 16);
  T::fetch(memory + 25600, b, 16);
  T::rest(memory + 25600, b, 16);
  gemv::Own<2048, 256> xn_own;
  float total_own = 0.0f;
  #pragma unroll
  for (int turn = 0; turn < 8; turn++) {
    total_own += x_own[turn] * x_own[turn];
    xn_own[turn] = x_own[turn] * (1.0f + w_own[turn]);
  }
  leave_sum(total_own, memory + 44672);
  T::prepare(memory + 128, xn_own);
  group_barrier();
  T::run(acc + 0, 1, a, 2048, nullptr, 2048, 16, 1, 2048, memory + 6528, memory + 128);
  T::run(acc + 16, 1, b, 2048, nullptr, 2048, 16, 1, 2048, memory + 25600, memory + 128);
  const float total = sum_left<256>(memory + 44672);
  launch_dependents();
  const float factor = rsqrtf(total);
  group_barrier();
  for (int r = thread; r < 16; r += 256) {
    y[row + r] = acc[r] * acc[16 + r] * factor;
  }
}
`, body[strings.Index(body, "  float* const acc"):])
}

// TestOwnDeclines: a vector that something else reads, or whose elements need more than the elements of buffers, goes through group
// memory.
func TestOwnDeclines(t *testing.T) {
	for name, change := range map[string][]string{
		"elements need the sum":   {"xn[j] = x[j]", "xn[j] = x[j] * total"},
		"a name needs the sum":    {"\tdot(acc, 0", "\tscale := total * 2.0\n\tdot(acc, 0"},
		"the results need it":     {"* factor\n", "* factor * xn[r]\n"},
		"a loop between the dots": {"\tdot(acc, 16", "\tfor k := range lanes(16) {\n\t\ty[k] = 0.0\n\t}\n\tdot(acc, 16"},
		"a maximum":               {"sum(i, 2048, x[i]*x[i])", "max(i, 2048, x[i])"},
		"part of a sum":           {"sum(i, 2048", "sum(i, 1024"},
		"another element":         {"xn[j] = x[j]", "xn[j] = x[2047-j]"},
		"another place":           {"xn[j] = x[j]", "xn[2047-j] = x[j]"},
		"the index itself":        {"xn[j] = x[j]", "xn[j] = x[j] * float(j)"},
		"memory of the group":     {"xn[j] = x[j]", "xn[j] = x[j] * acc[j%32]"},
		"elements of 16 bits":     {"x in_f32", "x in_f16"},
		"half of the vector":      {"lanes(2048)", "lanes(1024)"},
		"another matrix's vector": {"b, row*2048, 2048, xn, 0", "b, row*2048, 2048, xn, 32"},
		"a vector too long":       {"2048", "16384"},
		"what it was before":      {"total := sum", "for k := range lanes(2048) {\n\t\txn[k] = 0.0\n\t}\n\ttotal := sum"},
	} {
		text := strings.ReplaceAll(owning, change[0], change[1])
		require.NotEqual(t, owning, text, name)
		src, _ := emit(t, fixedW(), parse(t, text))
		body := spellings[0].own(src)
		require.NotContains(t, body, "_own", name)
		require.Contains(t, body, "float* const xn = ", name)
	}
}

// TestOwnInBranches: each branch has its own vector; one that declines has the others' in group memory alone.
func TestOwnInBranches(t *testing.T) {
	at, end := strings.Index(owning, "\trow :="), strings.LastIndex(owning, "}")
	then := owning[at:end]
	other := regexp.MustCompile(`\b(i|j|r|row|total|factor)\b`).ReplaceAllString(then, "${1}2")
	src, _ := emit(t, fixedW(), parse(t, owning[:at]+"if block < 64 {\n"+then+"} else {\n"+other+"}\n}\n"))
	body := spellings[0].own(src)
	require.Equal(t, 2, strings.Count(body, "x_own.load(x)"))
	require.Equal(t, 4, strings.Count(body, "group_barrier()"))
	require.NotContains(t, body, "* const xn")

	other = strings.ReplaceAll(other, "* factor2", "* factor2 * xn[0]")
	src, _ = emit(t, fixedW(), parse(t, owning[:at]+"if block < 64 {\n"+then+"} else {\n"+other+"}\n}\n"))
	body = spellings[0].own(src)
	require.Equal(t, 1, strings.Count(body, "x_own.load(x)"))
	require.Contains(t, body, "* const xn")
}
