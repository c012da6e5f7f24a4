package emulator

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// strictFlags compile MSL as C++ for OpenCL 2021, which has MSL's address spaces and lacks most of what MSL lacks.
//
//   - cl-ext=-all drops what MSL lacks, above all double, but keeps half and generic pointers. addressSpaces forbids the latter; without
//     them a pointer that lacks its address space would silently become private.
//   - cl-single-precision-constant makes 1.0 a float, as in MSL.
//   - ffp-contract=off and no excess precision: every half and bfloat operation rounds, and only what the kernel fuses is fused.
//   - ffake-address-space-map keeps address spaces apart in the IR, where the checks need them.
//   - The warnings are errors, as they point at mistakes in generated code.
var strictFlags = strings.Fields(`
	-x clcpp -cl-std=clc++2021 --target=x86_64-pc-linux-gnu -fPIC
	-Xclang -cl-ext=-all,+cl_khr_fp16,+__opencl_c_generic_address_space
	-Xclang -ffake-address-space-map
	-cl-no-stdinc -nostdinc -cl-single-precision-constant
	-ffp-contract=off -fno-strict-aliasing
	-Xclang -ffloat16-excess-precision=none -Xclang -fbfloat16-excess-precision=none
	-Wall -Wextra -Wconditional-uninitialized -Wvla -Wshadow -Wconversion
	-Wno-sign-conversion -Wno-implicit-int-float-conversion -Wno-unused-function -Wno-unused-template -Werror
	-fno-color-diagnostics`)

// irFlags stop before LLVM's passes: the IR is then as regular as the source, and says where each access is.
var irFlags = strings.Fields("-O1 -Xclang -disable-llvm-passes -gline-tables-only -S -emit-llvm -o - -")

var astFlags = strings.Fields("-fsyntax-only -Xclang -ast-dump -")

var (
	harmless = regexp.MustCompile(`__attribute__\s*\(\(\s*(?:always_inline|noinline|unused)\s*\)\)`)
	banned   = regexp.MustCompile(`\b(?:goto|asm|__asm|__asm__|thread_local|try|catch|throw|virtual|typeid|dynamic_cast|long\s+long|wchar_t|__attribute__|__builtin_\w+|msl_\w+)\b` +
		`|#[ \t]*pragma[ \t]+(?:GCC|OPENCL|clang[ \t]+(?:diagnostic|attribute|section))\b`)
)

// keywords refuses what clang accepts in this mode but Metal does not, and what would reach beneath the emulator.
func (s source) keywords() error {
	text := harmless.ReplaceAllStringFunc(s.bare(), func(a string) string { return strings.Repeat("\n", strings.Count(a, "\n")) })
	if at := banned.FindStringIndex(text); at != nil {
		return s.fail(lineAt(text, at[0]), "Metal has no %s", text[at[0]:at[1]])
	}
	return nil
}

var (
	genericDecl = regexp.MustCompile(`(?:Var|Field)Decl .* ([A-Za-z]\w*) '[^']*__generic[^']*[*&]`)
	astLine     = regexp.MustCompile(`(?:([^\s<>,]+)|\bline):(\d+):\d+`)
)

// addressSpaces refuses pointers and references without an address space, in the dump of a syntax tree. MSL has no default one; C++
// for OpenCL makes them generic. The dump leaves out a file or line that is the same as before.
func (s source) addressSpaces(ast string) error {
	file, line := "", 0
	for text := range strings.SplitSeq(ast, "\n") {
		shown, typed, _ := strings.Cut(text, " '")
		for _, m := range astLine.FindAllStringSubmatch(shown, -1) {
			if m[1] != "" && m[1] != "line" {
				file = m[1]
			}
			line, _ = strconv.Atoi(m[2])
		}
		if !strings.Contains(typed, "__generic") || file != s.name {
			continue
		}
		m := genericDecl.FindStringSubmatch(text)
		// "used" and "referenced" are flags of a declaration without a name.
		if m == nil || m[1] == "used" || m[1] == "referenced" || strings.Contains(text, "implicit") {
			continue
		}
		return s.fail(line, "pointer without address space: %s is of no device, constant, threadgroup or thread memory", m[1])
	}
	return nil
}

// calls is who calls whom in the IR.
type calls map[string][]string

var callee = regexp.MustCompile(`\b(?:call|invoke) [^@]*@("[^"]+"|[\w.$]+)\(`)

// recursion refuses cycles, which Metal forbids.
func (c calls) recursion() (cycle []string) {
	const (
		active = iota + 1
		done
	)
	state := map[string]int{}
	var visit func(name string, path []string) []string
	visit = func(name string, path []string) []string {
		path = append(path, name)
		switch state[name] {
		case active:
			return path[slices.Index(path, name):]
		case done:
			return nil
		}
		state[name] = active
		for _, to := range c[name] {
			if cycle := visit(to, path); cycle != nil {
				return cycle
			}
		}
		state[name] = done
		return nil
	}
	for name := range c {
		if cycle := visit(name, nil); cycle != nil {
			return cycle
		}
	}
	return nil
}

// reaches reports whether a function calls one of others, itself or by another.
func (c calls) reaches(name string, others map[string]bool) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(name string) bool {
		if others[name] {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		return slices.ContainsFunc(c[name], visit)
	}
	return visit(name)
}

var waits = map[string]bool{"msl_tg_barrier": true, "msl_sg_barrier": true, "msl_sg_meet": true, "msl_simd_xchg": true, "msl_simd_multiply": true}
