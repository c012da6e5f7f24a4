package emulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// about is what a compiled library says of itself.
type about struct {
	Kernels []aboutKernel
}

type aboutKernel struct {
	Kernel
	Line      int
	Waits     bool // it has barriers or simdgroup operations
	Variables []variable
}

const entryPrefix = "msl_entry_"

// entryHead repeats Place of run.h. __ehdr_start and _end come from the linker: the library's begin and end in memory.
const entryHead = `
typedef unsigned uint;
typedef unsigned short ushort;
typedef uint uint2 __attribute__((ext_vector_type(2)));
typedef uint uint3 __attribute__((ext_vector_type(3)));
typedef ushort ushort2 __attribute__((ext_vector_type(2)));
typedef ushort ushort3 __attribute__((ext_vector_type(3)));
struct Place { uint group, groups, thread, threads, lane, simdgroup, simdgroups; };
extern "C" {
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));
char *msl_begin() { return __ehdr_start; }
char *msl_end() { return _end; }
`

// exports hides all but what load looks up: kernels may have names that other libraries have, too.
const exports = "{ global: msl_entry_*; msl_begin; msl_end; msl_about; local: *; };\n"

// entries is C++ that gives all kernels the signature that the runner calls. It is compiled apart from the kernels, as it is not MSL.
func entries(kernels []*signature, a about) (string, error) {
	described, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(entryHead)
	fmt.Fprintf(&b, "const char *msl_about() { return %s; }\n", strconv.QuoteToASCII(string(described)))
	for i, k := range kernels {
		var types, args []string
		for _, p := range k.params {
			typ, arg := p.argument()
			types = append(types, typ)
			args = append(args, arg)
		}
		// Names of its own, as a kernel's may be a word of C++.
		fmt.Fprintf(&b, "void kernel%d(%s) __asm__(%q);\n", i, strings.Join(types, ", "), k.Name)
		fmt.Fprintf(&b, "void entry%d(void **b, const Place *c) __asm__(%q);\n", i, entryPrefix+k.Name)
		fmt.Fprintf(&b, "void entry%d(void **b, const Place *c) { kernel%d(%s); }\n", i, i, strings.Join(args, ", "))
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// argument is a parameter's type and value in C++.
func (p param) argument() (typ, value string) {
	if p.attr == "buffer" {
		return "void *", "b[" + p.arg + "]"
	}
	scalar := strings.TrimRight(p.typ, "23")
	n := 1
	if scalar != p.typ {
		n = int(p.typ[len(p.typ)-1] - '0')
	}
	var parts []string
	values := positions[p.attr].values
	for _, v := range values[:n] {
		parts = append(parts, "("+scalar+")("+v+")")
	}
	return p.typ, p.typ + "{" + strings.Join(parts, ", ") + "}"
}
