package emulator

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// These repeat structs of run.h.
type (
	runMemory struct {
		mem           unsafe.Pointer
		size, offset  uint64
		kind, tracked uint32
	}
	runDispatch struct {
		fn                           uintptr
		memory                       unsafe.Pointer
		buffers, memories            uint32
		constants, constantsEnd      uintptr
		order                        uint64
		groups, threads, groupMemory uint32
		waits, checked               uint32
		next, stop                   unsafe.Pointer
	}
	runFault struct {
		kind, code, line                               uint32
		group, thread                                  uint32
		memory                                         int32
		offset, size                                   uint64
		write                                          uint32
		otherLine, otherGroup, otherThread, otherWrite uint32
	}
)

const (
	kindNone = iota
	kindReadOnly
	kindWritable
	kindGroup
)

// Run runs a kernel to its end, or to its first fault, which is a *Fault. Several goroutines may run kernels of one module at a time.
func (m *Module) Run(kernel string, d Dispatch) error {
	k := m.entries[kernel]
	if k == nil {
		return fmt.Errorf("%s: there is no kernel %q", m.src.name, kernel)
	}
	if err := k.accepts(d); err != nil {
		return fmt.Errorf("%s: kernel %s: %w", m.src.name, kernel, err)
	}
	memory := k.memory(d.Buffers)
	var shared struct{ next, stop uint32 }
	run := runDispatch{
		fn: k.fn, memory: unsafe.Pointer(unsafe.SliceData(memory)), buffers: uint32(len(d.Buffers)), memories: uint32(len(memory)),
		constants: m.constants, constantsEnd: m.constantsEnd, order: d.Order,
		groups: uint32(d.Groups), threads: uint32(d.Threads), groupMemory: uint32(k.GroupMemory),
		waits: number(k.waits), checked: number(m.checked),
		next: unsafe.Pointer(&shared.next), stop: unsafe.Pointer(&shared.stop),
	}
	workers := min(max(d.Workers, 1), d.Groups)
	if m.checked || d.Order != 0 {
		workers = 1
	}
	faults := make([]runFault, workers)
	errs := make([]error, workers)
	work := func(i int) {
		c, err := m.lib.context()
		if err != nil {
			errs[i] = err
			return
		}
		defer m.lib.release(c)
		m.lib.run(c, unsafe.Pointer(&run), unsafe.Pointer(&faults[i]))
	}
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		wg.Go(func() { work(i) })
	}
	work(0)
	wg.Wait()
	runtime.KeepAlive(memory)
	runtime.KeepAlive(d.Buffers)
	for i := range workers {
		if errs[i] != nil {
			return errs[i]
		}
		if faults[i].kind != 0 {
			return m.fault(k, &faults[i], memory)
		}
	}
	return nil
}

func number(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// accepts refuses a dispatch that is not for the kernel.
func (k *entry) accepts(d Dispatch) error {
	switch {
	case d.Groups < 1 || d.Groups > 1<<31-1:
		return fmt.Errorf("%d groups", d.Groups)
	case d.Threads < 1 || d.Threads > k.MaxThreads:
		return fmt.Errorf("%d threads of a group, and it takes 1 to %d", d.Threads, k.MaxThreads)
	case uint64(d.Groups)*uint64(d.Threads) > 1<<32-1:
		return fmt.Errorf("%d groups of %d threads: a thread's position is a number of 32 bits", d.Groups, d.Threads)
	}
	used := 0
	for _, p := range k.Buffers {
		if p.Index >= len(d.Buffers) {
			return fmt.Errorf("no buffer %d (%s): there are %d", p.Index, p.Name, len(d.Buffers))
		}
		if len(d.Buffers[p.Index].Mem) == 0 {
			return fmt.Errorf("buffer %d (%s) has no memory", p.Index, p.Name)
		}
		used = max(used, p.Index+1)
	}
	if len(d.Buffers) > used {
		return fmt.Errorf("%d buffers, and it takes %d", len(d.Buffers), used)
	}
	return nil
}

// memory describes what a kernel may touch: buffers by index, then its group variables from MaxBuffers on. What the dispatch only
// reads is not tracked, as nothing in it can race.
func (k *entry) memory(buffers []Buffer) []runMemory {
	memory := make([]runMemory, MaxBuffers+len(k.variables))
	for _, p := range k.Buffers {
		mem := buffers[p.Index].Mem
		memory[p.Index] = runMemory{mem: unsafe.Pointer(unsafe.SliceData(mem)), size: uint64(len(mem)), kind: kindReadOnly}
		if p.Writable {
			memory[p.Index].kind = kindWritable
		}
	}
	for i := range memory[:MaxBuffers] {
		for _, w := range memory[:MaxBuffers] {
			if w.kind == kindWritable && memory[i].overlaps(w) {
				memory[i].tracked = 1
			}
		}
	}
	for i, v := range k.variables {
		memory[MaxBuffers+i] = runMemory{size: uint64(v.Size), offset: uint64(v.Offset), kind: kindGroup}
	}
	return memory
}

func (m runMemory) overlaps(w runMemory) bool {
	a, b := uint64(uintptr(m.mem)), uint64(uintptr(w.mem))
	return a < b+w.size && b < a+m.size
}
