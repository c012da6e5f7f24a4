package emulator

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variable is a group variable of a kernel: its place in group memory.
type variable struct {
	Name         string
	Offset, Size int
	symbol       string
	index        int // among the memories of its kernel; buffers come first
}

// module is a source's LLVM IR, taken apart.
type module struct {
	src       source
	types     irTypes
	globals   []string // lines that are no function: types, constants, attributes, metadata
	declares  []string
	functions []*function
	byName    map[string]*function
	lines     map[string]int // of the source, by the number of a !DILocation
	calls     calls
}

type function struct {
	name   string
	kernel bool
	text   []string
}

var (
	definition   = regexp.MustCompile(`^define .*?@("[^"]+"|[\w.$]+)\(`)
	typeName     = regexp.MustCompile(`^(%(?:"[^"]+"|[\w.$]+)) = type (.*)$`)
	groupGlobal  = regexp.MustCompile(`^@_ZZ(\d+)(\w+) = .*addrspace\(3\) global (.*), align (\d+)$`)
	otherGlobal  = regexp.MustCompile(`^(@(?:"[^"]+"|[\w.$]+) = )((?:internal|private|linkonce_odr|weak_odr|dso_local|hidden|external) )*(.*)$`)
	comdat       = regexp.MustCompile(`,? comdat(?:\(\$[^)]*\))?`)
	locationLine = regexp.MustCompile(`^(!\d+) = (?:distinct )?!DILocation\(line: (\d+),`)
	debugNode    = regexp.MustCompile(`^(!\d+) = (?:distinct )?!DI.*$`)
	dbg          = regexp.MustCompile(`,? !dbg (!\d+)`)
	space        = regexp.MustCompile(` ?addrspace\(\d+\)`)
	intrinsic    = regexp.MustCompile(`@llvm\.[\w.]+`)
	spaceSuffix  = regexp.MustCompile(`\.p[1-4]\b`)
	doubleMath   = regexp.MustCompile(`\b(?:f(?:add|sub|mul|div|rem|neg|cmp \w+)|(?:fpext|sitofp|uitofp) .* to) (?:<\d+ x )?double\b`)
	linkage      = regexp.MustCompile(`^define (?:(?:internal|linkonce_odr|weak_odr|dso_local|hidden) )*`)
)

// takeApart reads IR.
func takeApart(src source, ir string) (*module, error) {
	m := &module{src: src, types: irTypes{}, byName: map[string]*function{}, lines: map[string]int{}, calls: calls{}}
	var in *function
	for line := range strings.SplitSeq(ir, "\n") {
		switch {
		case in != nil:
			if line == "}" {
				in.text = append(in.text, line)
				in = nil
				continue
			}
			if strings.Contains(line, "@llvm.var.annotation") || line == "" || line[0] == ';' {
				continue
			}
			if c := callee.FindStringSubmatch(line); c != nil {
				m.calls[in.name] = append(m.calls[in.name], c[1])
			}
			in.text = append(in.text, line)
		case strings.HasPrefix(line, "define "):
			d := definition.FindStringSubmatch(line)
			if d == nil {
				return nil, fmt.Errorf("metal emulator: clang's IR has a function that is not understood: %s", line)
			}
			in = &function{name: d[1], kernel: strings.Contains(line, " spir_kernel "), text: []string{line}}
			m.functions = append(m.functions, in)
			m.byName[in.name] = in
		case strings.HasPrefix(line, "declare "):
			m.declares = append(m.declares, line)
		default:
			if t := typeName.FindStringSubmatch(line); t != nil {
				m.types[t[1]] = t[2]
			}
			if l := locationLine.FindStringSubmatch(line); l != nil {
				m.lines[l[1]], _ = strconv.Atoi(l[2])
			}
			if !strings.HasPrefix(line, "!llvm.dbg.cu") && !strings.Contains(line, "@llvm.global.annotations") {
				m.globals = append(m.globals, debugNode.ReplaceAllString(line, `$1 = !{!"line"}`)) // loops refer to it
			}
		}
	}
	return m, m.check()
}

// check refuses what clang let pass.
func (m *module) check() error {
	if cycle := m.calls.recursion(); cycle != nil {
		return m.src.fail(m.firstLine(cycle[0]), "recursion, which Metal has not: %s", strings.Join(cycle, " calls "))
	}
	for _, f := range m.functions {
		arrays := 0
		for _, line := range f.text {
			if strings.Contains(line, "double") && doubleMath.MatchString(line) {
				return m.src.fail(m.line(line), "Metal has no double")
			}
			if _, typed, ok := strings.Cut(line, " = alloca ["); ok {
				l, _, err := m.types.read("[" + typed)
				if arrays += l.size; err != nil || arrays > maxArrays {
					return m.src.fail(m.firstLine(f.name), "arrays of a thread's own take %d bytes in one function, and the emulator's stacks have room for %d", arrays, maxArrays)
				}
			}
		}
	}
	return nil
}

// maxArrays leaves room on a stack (run.h) for the functions around.
const maxArrays = 48 << 10

// line is the source's line of an instruction, or 0.
func (m *module) line(instruction string) int {
	if d := dbg.FindStringSubmatch(instruction); d != nil {
		return m.lines[d[1]]
	}
	return 0
}

func (m *module) firstLine(function string) int {
	if f := m.byName[function]; f != nil {
		for _, l := range f.text[1:] {
			if n := m.line(l); n > 0 {
				return n
			}
		}
	}
	return 0
}

// variables gives the group variables of kernels their places in group memory, and takes them out of the globals.
func (m *module) variables(kernels []*signature) (map[string][]variable, error) {
	found := map[string][]variable{}
	total := map[string]int{}
	var rest []string
	for _, line := range m.globals {
		g := groupGlobal.FindStringSubmatch(line)
		if g == nil {
			rest = append(rest, line)
			continue
		}
		n, _ := strconv.Atoi(g[1])
		align, _ := strconv.Atoi(g[4])
		l, _, err := m.types.read(g[3])
		if err != nil || n > len(g[2]) {
			return nil, fmt.Errorf("metal emulator: clang's IR has a group variable that is not understood: %s", line)
		}
		kernel := g[2][:n]
		name := strings.TrimLeft(strings.TrimPrefix(g[2][n:], "E"), "0123456789")
		symbol, _, _ := strings.Cut(line, " ")
		at := roundUp(total[kernel], max(align, 16))
		total[kernel] = at + l.size
		found[kernel] = append(found[kernel], variable{Name: name, Offset: at, Size: l.size, symbol: symbol})
	}
	m.globals = rest
	for _, k := range kernels {
		k.GroupMemory = roundUp(total[k.Name], 16)
		if k.GroupMemory > MaxGroupMemory {
			return nil, m.src.fail(k.line, "kernel %s: %d bytes of group memory, and a group has %d", k.Name, k.GroupMemory, MaxGroupMemory)
		}
		if n := len(found[k.Name]); n > maxVariables {
			return nil, m.src.fail(k.line, "kernel %s: %d group variables, and the emulator takes %d", k.Name, n, maxVariables)
		}
		for i := range found[k.Name] {
			found[k.Name][i].index = MaxBuffers + i
		}
	}
	return found, nil
}

// maxVariables and all buffers fit in the runner's list of memories.
const maxVariables = 256 - MaxBuffers

// groupMemory spells the address of a group variable. A checked kernel gets one that says which variable it is (access.cc).
func (v variable) address(checked bool) string {
	if checked {
		return fmt.Sprintf("inttoptr (i64 %d to ptr)", int64(v.index+1)<<48|1<<40)
	}
	return fmt.Sprintf("getelementptr (i8, ptr @msl_group_memory, i64 %d)", v.Offset)
}

// lower turns the IR of an address-spaced machine into that of this one, with checks if asked for.
func (m *module) lower(vars map[string][]variable, checked bool) error {
	for _, f := range m.functions {
		var err error
		if checked {
			if f.text, err = m.instrument(f.text); err != nil {
				return err
			}
		}
		var names []string // pairs for a Replacer; longer names first, as one may begin another
		vs := slices.Clone(vars[f.name])
		slices.SortFunc(vs, func(a, b variable) int { return len(b.symbol) - len(a.symbol) })
		for _, v := range vs {
			names = append(names, v.symbol, v.address(checked))
		}
		replace := strings.NewReplacer(names...)
		for i, line := range f.text {
			if f.kernel && strings.Contains(line, "@_ZZ") {
				line = replace.Replace(line)
			}
			f.text[i] = plain(line)
		}
		f.text[0] = comdat.ReplaceAllString(f.text[0], "")
		if !f.kernel { // each part has its own
			f.text[0] = linkage.ReplaceAllString(f.text[0], "define internal ")
		}
	}
	for i, g := range m.globals {
		if strings.HasPrefix(g, "@") {
			p := otherGlobal.FindStringSubmatch(comdat.ReplaceAllString(g, ""))
			if p == nil {
				return fmt.Errorf("metal emulator: clang's IR has a global that is not understood: %s", g)
			}
			g = p[1] + "internal " + p[3]
		}
		m.globals[i] = plain(g)
	}
	seen := map[string]bool{}
	m.declares = slices.DeleteFunc(m.declares, func(d string) bool {
		name := callee.FindStringSubmatch("call" + strings.TrimPrefix(plain(d), "declare"))
		if name == nil || seen[name[1]] {
			return true
		}
		seen[name[1]] = true
		return false
	})
	for i, d := range m.declares {
		m.declares[i] = plain(d)
	}
	if checked {
		m.declares = append(m.declares, checkFunctions)
	}
	return nil
}

// plain drops address spaces and what is for debuggers.
func plain(line string) string {
	if strings.Contains(line, "addrspace") {
		line = strings.ReplaceAll(space.ReplaceAllString(line, ""), "addrspacecast", "bitcast")
	}
	if strings.Contains(line, "@llvm.") {
		line = intrinsic.ReplaceAllStringFunc(line, func(name string) string { return spaceSuffix.ReplaceAllString(name, ".p0") })
	}
	if strings.Contains(line, "!dbg") {
		line = dbg.ReplaceAllString(line, "")
	}
	return line
}

// parts spells the module as n texts that hold about as much each: every kernel in one of them, all else in each.
func (m *module) parts(n int) []string {
	type bin struct {
		kernels []*function
		size    int
	}
	bins := make([]bin, n)
	for _, f := range m.functions {
		if !f.kernel {
			continue
		}
		least := &bins[0]
		for i := range bins {
			if bins[i].size < least.size {
				least = &bins[i]
			}
		}
		least.kernels = append(least.kernels, f)
		least.size += len(f.text)
	}
	texts := make([]string, n)
	for i, bin := range bins {
		var b strings.Builder
		put := func(lines []string) {
			for _, l := range lines {
				b.WriteString(l)
				b.WriteByte('\n')
			}
		}
		put(m.globals)
		b.WriteString("@msl_group_memory = external thread_local global [32768 x i8], align 64\n")
		for _, f := range m.functions {
			if !f.kernel || slices.Contains(bin.kernels, f) {
				put(f.text)
			}
		}
		put(m.declares)
		texts[i] = b.String()
	}
	return texts
}
