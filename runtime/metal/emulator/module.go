package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"unsafe"
)

// Module is a compiled source, loaded into the process until it ends. It is safe for use by several goroutines, which may run kernels
// at the same time.
type Module struct {
	src     source
	checked bool
	kernels []Kernel
	entries map[string]*entry
	lib     *runnerLibrary
	// constants is where the module's tables are, between the begin and the end of its library.
	constants, constantsEnd uintptr
}

// entry is a kernel as the runner sees it.
type entry struct {
	Kernel
	fn        uintptr
	waits     bool
	variables []variable
}

// Kernels are the kernels in the order of the source.
func (m *Module) Kernels() []Kernel { return slices.Clone(m.kernels) }

// runnerLibrary is the loaded runner.
type runnerLibrary struct {
	newContext func() uintptr
	run        func(context uintptr, dispatch, fault unsafe.Pointer) int32

	mu   sync.Mutex
	free []uintptr // contexts that no call uses
}

func (l *runnerLibrary) context() (uintptr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		c := l.free[n-1]
		l.free = l.free[:n-1]
		return c, nil
	}
	c := l.newContext()
	if c == 0 {
		return 0, fmt.Errorf("metal emulator: no memory for a context")
	}
	return c, nil
}

func (l *runnerLibrary) release(context uintptr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, context)
}

var (
	loadedMu sync.Mutex
	loaded   *runnerLibrary
)

// loadRunner loads the runner, once: modules find its functions by name, so that a process has one, whichever cache it came from.
func loadRunner(file string) (*runnerLibrary, error) {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if loaded != nil {
		return loaded, nil
	}
	lib, err := openLibrary(file, true)
	if err != nil {
		return nil, err
	}
	l := &runnerLibrary{}
	if err := lib.function("msl_context", &l.newContext); err != nil {
		return nil, err
	}
	if err := lib.function("msl_run", &l.run); err != nil {
		return nil, err
	}
	loaded = l
	return l, nil
}

// load loads a module's library, which finds the runner's functions among those that are loaded.
func load(runner, file string, src source, checked bool) (*Module, error) {
	r, err := loadRunner(runner)
	if err != nil {
		return nil, fmt.Errorf("metal emulator: %w", err)
	}
	lib, err := openLibrary(file, false)
	if err != nil {
		return nil, fmt.Errorf("metal emulator: %s: %w", src.name, err)
	}
	m := &Module{src: src, checked: checked, entries: map[string]*entry{}, lib: r}
	var begin, end func() uintptr
	var describe func() string
	for name, f := range map[string]any{"msl_begin": &begin, "msl_end": &end, "msl_about": &describe} {
		if err := lib.function(name, f); err != nil {
			return nil, fmt.Errorf("metal emulator: %s: %w", src.name, err)
		}
	}
	m.constants, m.constantsEnd = begin(), end()
	var a about
	if err := json.Unmarshal([]byte(describe()), &a); err != nil {
		return nil, fmt.Errorf("metal emulator: %s: %w", src.name, err)
	}
	for _, k := range a.Kernels {
		fn, err := lib.address(entryPrefix + k.Name)
		if err != nil {
			return nil, fmt.Errorf("metal emulator: %s: %w", src.name, err)
		}
		m.kernels = append(m.kernels, k.Kernel)
		m.entries[k.Name] = &entry{k.Kernel, fn, k.Waits, k.Variables}
	}
	return m, nil
}
