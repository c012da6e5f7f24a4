package nvrtc

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCompileErrorText reads logs that NVRTC 12.9 wrote.
func TestCompileErrorText(t *testing.T) {
	const unused = "k.cu(1): warning #177-D: variable \"error\" was declared but never referenced\n  int error;\n      ^\n\n" +
		"Remark: The warnings can be suppressed with \"-diag-suppress <warning-number>\"\n\n"
	for _, c := range []struct{ name, log, want string }{
		{"one", "k.cu(3): error: identifier \"x\" is undefined\n      y = x;\n          ^\n\n1 error detected in the compilation of \"k.cu\".\n",
			"k.cu:3: identifier \"x\" is undefined\n    y = x;"},
		{"two, after a warning", unused + "a (1)/error/k.cu(1): error: no\n  f(3): error: g;\n  ^\n\nk.cu(2): error: nor this\n  g;\n  ^\n\n2 errors detected.\n",
			"a (1)/error/k.cu:1: no\n    f(3): error: g;\nand 1 more error"},
		{"fatal", "k.cu(1): catastrophic error: could not open source file \"cuda_fp16.h\" (no directories in search list)\n  #include <cuda_fp16.h>\n                        ^\n\n1 catastrophic error detected in the compilation of \"k.cu\".\nCompilation terminated.\n",
			"k.cu:1: could not open source file \"cuda_fp16.h\" (no directories in search list)\n    #include <cuda_fp16.h>"},
		{"numbered", "k.cu(1): error #20-D: no\n", "k.cu:1: no"},
		{"no source", "k.cu(1): error: no\n\nAt end of source: error: expected a \";\"\n", "k.cu:1: no\nand 1 more error"},
		{"at the end", "At end of source: error: expected a \")\"\n\nAt end of source: error: expected a \";\"\n\nAt end of source: error: expected a \"}\"\n",
			"k.cu: at its end: expected a \")\"\nand 2 more errors"},
		{"too many", strings.Repeat("k.cu(1): error: no\n  x;\n  ^\n\n", 100) + "Error limit reached.\n100 errors detected in the compilation of \"k.cu\".\n",
			"k.cu:1: no\n    x;\nand at least 99 more errors"},
		{"assembler", unused + "ptxas error   : Entry function 'g' uses too much shared data (0x61a80 bytes, 0xc000 max)\n",
			"k.cu: ptxas error : Entry function 'g' uses too much shared data (0x61a80 bytes, 0xc000 max)"},
		{"assembler's lines", "ptxas application ptx input, line 27; error   : Unknown modifier '.f'\nptxas application ptx input, line 31; error   : Unknown modifier '.g'\nptxas fatal   : Ptx assembly aborted due to errors\n",
			"k.cu: ptxas application ptx input, line 27; error : Unknown modifier '.f'\nand 1 more error"},
		{"linker", "ptxas fatal   : Unresolved extern function '_Z5undefv'\n", "k.cu: ptxas fatal : Unresolved extern function '_Z5undefv'"},
		{"unknown", "something\n  else\n", "k.cu: something else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.EqualError(t, &CompileError{Name: "k.cu", Log: c.log}, c.want)
		})
	}
}
