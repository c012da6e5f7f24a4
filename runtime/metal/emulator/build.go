package emulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// partSize is how many lines of IR are worth a process of their own.
const partSize = 4000

// Compile checks and compiles a source, or takes what it made of the same source before from the cache. A source is code that will
// run in this process: compile only what you trust.
func (c *Compiler) Compile(ctx context.Context, text []byte, o Options) (*Module, error) {
	src := source{cmp.Or(o.Name, "kernels.metal"), string(text)}
	if strings.ContainsAny(src.name, "\"\\\n\r") {
		return nil, fmt.Errorf("metal emulator: %q is no name for a source", src.name)
	}
	runner, err := c.runner(ctx)
	if err != nil {
		return nil, fmt.Errorf("metal emulator: the runner does not compile: %w", err)
	}
	shape := append(slices.Concat(strictFlags, c.native), fmt.Sprint(o.Checked), shaping())
	lib, err := c.cache.file("module-", c.key(src.text, shape), func(out string) error { return c.build(ctx, src, o.Checked, out) })
	if err != nil {
		return nil, err
	}
	return load(runner, lib, src, o.Checked)
}

var (
	shim         = sync.OnceValue(func() string { return joined("shim", shimFiles) })
	runnerSource = sync.OnceValue(func() string { return joined("runner", runnerFiles) })
	// shaping is all of this package that shapes a module, or that a module is for.
	shaping = sync.OnceValue(func() string { return shim() + runnerSource() + joined(".", goFiles) })
)

func (c *Compiler) build(ctx context.Context, src source, checked bool, out string) error {
	kernels, err := src.kernels()
	if err != nil {
		return err
	}
	if err := src.keywords(); err != nil {
		return err
	}
	ir, err := c.front(ctx, src)
	if err != nil {
		return err
	}
	m, err := takeApart(src, ir)
	if err != nil {
		return err
	}
	if kernels, err = m.only(kernels); err != nil {
		return err
	}
	vars, err := m.variables(kernels)
	if err != nil {
		return err
	}
	a := about{Kernels: []aboutKernel{}}
	for _, k := range kernels {
		a.Kernels = append(a.Kernels, aboutKernel{k.Kernel, k.line, m.calls.reaches(k.Name, waits), vars[k.Name]})
	}
	if err := m.lower(vars, checked); err != nil {
		return err
	}
	entry, err := entries(kernels, a)
	if err != nil {
		return err
	}
	return c.back(ctx, m, entry, out)
}

// front is clang's front end: the IR, and the checks of the syntax tree, at the same time.
func (c *Compiler) front(ctx context.Context, src source) (ir string, err error) {
	text, err := src.withoutIncludes()
	if err != nil {
		return "", err
	}
	if strings.ContainsRune(text, 0) {
		return "", src.fail(0, "the source has a zero byte")
	}
	input := fmt.Sprintf("%s#line 1 %q\n%s", shim(), src.name, text)
	flags := slices.Concat(strictFlags, c.native)
	var ast string
	err = together(
		func() (err error) {
			ir, err = c.run(ctx, input, slices.Concat(flags, irFlags)...)
			return err
		},
		func() error { // what is wrong with the source, the other says
			ast, _ = c.run(ctx, input, slices.Concat(flags, astFlags)...)
			return nil
		})
	if err != nil {
		return "", src.diagnose(err)
	}
	return ir, src.addressSpaces(ast)
}

// back optimises a module in parts, and links them.
func (c *Compiler) back(ctx context.Context, m *module, entry, out string) error {
	lines := 0
	for _, f := range m.functions {
		lines += len(f.text)
	}
	parts := m.parts(max(1, min(lines/partSize, runtime.GOMAXPROCS(0), 8)))
	dir := filepath.Dir(out)
	var objects []string
	var jobs []func() error
	compile := func(kind, input string) {
		object := filepath.Join(dir, fmt.Sprintf("%d.o", len(objects)))
		objects = append(objects, object)
		jobs = append(jobs, func() error {
			_, err := c.run(ctx, input, slices.Concat([]string{"-x", kind, "-O2", "-fPIC", "-w", "-c", "-o", object, "-"}, c.native)...)
			return err
		})
	}
	for _, p := range parts {
		compile("ir", p)
	}
	compile("c++", entry)
	if err := together(jobs...); err != nil {
		return fmt.Errorf("metal emulator: the back end fails: %w", err)
	}
	script := filepath.Join(dir, "exports")
	if err := os.WriteFile(script, []byte(exports), 0o644); err != nil {
		return err
	}
	// What the runner has is found when the library is loaded.
	_, err := c.run(ctx, "", slices.Concat([]string{"-shared", "-rtlib=compiler-rt", "-nostdlib++", "-lm", "-Xlinker", "--version-script=" + script, "-o", out}, objects)...)
	if err != nil {
		return fmt.Errorf("metal emulator: the linker fails: %w", err)
	}
	return nil
}

// together runs functions at the same time and joins their errors.
func together(functions ...func() error) error {
	errs := make([]error, len(functions))
	var wg sync.WaitGroup
	for i, f := range functions {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// only is the kernels that clang found, too: others are under an #if. One that the text does not show comes out of a macro.
func (m *module) only(kernels []*signature) ([]*signature, error) {
	var found []*signature
	for _, f := range m.functions {
		if !f.kernel {
			continue
		}
		i := slices.IndexFunc(kernels, func(k *signature) bool { return k.Name == f.name })
		if i < 0 {
			return nil, m.src.fail(m.firstLine(f.name), "kernel %s: it comes out of a macro or a template, where its parameters cannot be read", f.name)
		}
		found = append(found, kernels[i])
	}
	return found, nil
}
