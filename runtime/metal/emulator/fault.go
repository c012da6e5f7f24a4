package emulator

import (
	"fmt"
	"strings"
)

// Kind says what a run found.
type Kind string

const (
	Race          Kind = "race"
	OutOfBounds   Kind = "access out of bounds"
	ReadOnly      Kind = "write to memory that is only read"
	Misaligned    Kind = "misaligned access"
	Uninitialised Kind = "read of group memory that no thread has written"
	Divergent     Kind = "divergence"
	DivideByZero  Kind = "integer division by zero"
)

// Fault is a mistake of a kernel that a run found. The run ends there, and what it has written is of no use.
type Fault struct {
	Kernel        string
	Kind          Kind
	Buffer        string // the buffer's name, or the group variable's; "" if it is about none
	Index         int    // of the buffer; -1 for group memory
	Offset        int64  // in bytes from the buffer's begin
	Detail        string // the rest, in words
	Group, Thread int    // who
	Line          int    // of the source; 0 if unknown
	Name, Source  string // the source's name, and that line
}

// Error is, as an example:
//
//	model.metal:12: attnQKV_1: race: thread 3 of group 0 reads buffer 2 (y) at byte 12, which thread 4 of group 0 wrote at line 11
//	    total += y[thread + 1];
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Name)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	fmt.Fprintf(&b, ": %s: %s: %s", f.Kernel, f.Kind, f.Detail)
	if f.Source != "" {
		b.WriteString("\n    " + strings.TrimSpace(f.Source))
	}
	return b.String()
}

var kinds = [...]Kind{"", Race, OutOfBounds, ReadOnly, Misaligned, Uninitialised, Divergent, DivideByZero}

// noMemory is not the kernel's fault.
const noMemory = 8

// fault puts what the runner found in words.
func (m *Module) fault(k *entry, r *runFault, memory []runMemory) error {
	if r.kind == noMemory {
		return fmt.Errorf("%s: kernel %s: no memory for its threads or to watch what they touch", m.src.name, k.Name)
	}
	f := &Fault{
		Kernel: k.Name, Kind: kinds[r.kind], Index: -1, Group: int(r.group), Thread: int(r.thread), Line: int(r.line),
		Name: m.src.name, Source: m.src.line(int(r.line)),
	}
	who := fmt.Sprintf("thread %d of group %d ", r.thread, r.group)
	switch f.Kind {
	case Divergent:
		f.Detail = who + divergence(r)
		return f
	case DivideByZero:
		f.Detail = who + "divides an integer by zero"
		if r.code == 1 {
			f.Detail = who + "divides the smallest integer by -1"
		}
		return f
	}
	where := "memory that is of no buffer"
	if r.memory >= 0 {
		f.Offset = int64(r.offset)
		f.Buffer, f.Index = k.at(int(r.memory))
		where = f.Buffer
		if f.Index >= 0 {
			where = fmt.Sprintf("buffer %d (%s)", f.Index, f.Buffer)
		}
		where += fmt.Sprintf(" at byte %d of %d", f.Offset, memory[r.memory].size)
	}
	verb := "reads"
	if r.write != 0 {
		verb = "writes"
	}
	f.Detail = fmt.Sprintf("%s%s %d bytes of %s", who, verb, r.size, where)
	switch f.Kind {
	case Race:
		did := "read"
		if r.otherWrite != 0 {
			did = "wrote"
		}
		f.Detail += fmt.Sprintf(", which thread %d of group %d %s at line %d, and no barrier is between them", r.otherThread, r.otherGroup, did, r.otherLine)
	case Misaligned:
		f.Detail += fmt.Sprintf(", which is not at a multiple of %d bytes", r.code)
	}
	return f
}

// at names a memory of the runner's list.
func (k *entry) at(memory int) (name string, index int) {
	if memory >= MaxBuffers {
		return k.variables[memory-MaxBuffers].Name, -1
	}
	for _, p := range k.Buffers {
		if p.Index == memory {
			return p.Name, memory
		}
	}
	return "", -1
}

// divergence repeats DivergentCode of run.h.
func divergence(r *runFault) string {
	switch r.code {
	case 1:
		return fmt.Sprintf("is at the barrier of line %d while others wait at that of line %d", r.line, r.otherLine)
	case 2:
		return fmt.Sprintf("is at the barrier of line %d, and threads of its group have returned", r.line)
	case 3:
		return fmt.Sprintf("is at the simdgroup operation of line %d while lanes wait at that of line %d", r.line, r.otherLine)
	case 4:
		return fmt.Sprintf("is at the simdgroup operation of line %d, and lanes of its simdgroup have returned", r.line)
	case 5:
		return fmt.Sprintf("has returned while others wait at the barrier of line %d", r.line)
	case 6:
		return fmt.Sprintf("has returned while lanes of its simdgroup wait at the simdgroup operation of line %d", r.line)
	case 7:
		return fmt.Sprintf("waits at the barrier of line %d for threads that wait elsewhere", r.line)
	case 8:
		return fmt.Sprintf("waits at the simdgroup operation of line %d for lanes that wait elsewhere", r.line)
	case 9:
		return fmt.Sprintf("takes the value of a lane that its simdgroup has not, at line %d", r.line)
	default:
		return fmt.Sprintf("multiplies simdgroup matrices at line %d in a simdgroup of less than 32 lanes", r.line)
	}
}
