package kernel

import (
	"fmt"
	"go/token"
)

// symbol is what a name stands for: a scalar, global memory (Buf) or group memory.
type symbol struct {
	Memory bool
	Buf    *Buf // nil for group memory
	T      Type // of the scalar or of the memory's elements
	Lane   bool // a scalar that may differ between lanes; only Verify tells
}

func scalar(t Type) symbol { return symbol{T: t} }

func global(b *Buf) symbol { return symbol{Memory: true, Buf: b, T: b.DType.Scalar()} }

var local = symbol{Memory: true, T: Float}

// scope holds the visible names. No name may hide another; blocks that follow each other may use the same one.
type scope struct {
	symbols map[string]symbol
	order   []string
}

func newScope() *scope { return &scope{symbols: map[string]symbol{}} }

func (s *scope) declare(name string, sym symbol) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if _, dup := s.symbols[name]; dup {
		return fmt.Errorf("%s is declared already", name)
	}
	s.symbols[name] = sym
	s.order = append(s.order, name)
	return nil
}

// open begins a block; the function that it returns ends it.
func (s *scope) open() (end func()) {
	n := len(s.order)
	return func() {
		for _, name := range s.order[n:] {
			delete(s.symbols, name)
		}
		s.order = s.order[:n]
	}
}

func (s *scope) scalar(name string) (symbol, error) {
	sym, ok := s.symbols[name]
	switch {
	case !ok:
		return sym, fmt.Errorf("%s is not declared", name)
	case sym.Memory:
		return sym, fmt.Errorf("%s is memory, not a scalar", name)
	}
	return sym, nil
}

func (s *scope) memory(name string) (symbol, error) {
	sym, ok := s.symbols[name]
	switch {
	case !ok:
		return sym, fmt.Errorf("buffer %s is not declared", name)
	case !sym.Memory:
		return sym, fmt.Errorf("%s is a scalar, not memory", name)
	}
	return sym, nil
}

// words are the names that the text form uses itself, beside the functions of the table.
var words = map[string]bool{
	"inf": true, "nan": true, "int": true, "lanes": true, "teams": true, "grid": true, "group": true, "dot": true, "mix": true, "encode": true, "joined": true, "sum": true, "max": true,
}

// CheckName accepts the names that a kernel may give to memory and scalars: ASCII identifiers that mean nothing else in the text
// form.
func CheckName(name string) error {
	if err := checkIdentifier(name); err != nil {
		return err
	}
	_, _, reserved := parseBufType(name) // Key takes names and types for words alike
	reserved = reserved || words[name]
	for _, f := range Fns {
		reserved = reserved || f.Infix == "" && f.Name == name
	}
	if reserved {
		return fmt.Errorf("%s is reserved", name)
	}
	return nil
}

func checkIdentifier(name string) error {
	ascii := true
	for i := range len(name) {
		ascii = ascii && name[i] < 0x80
	}
	if !ascii || name == "_" || !token.IsIdentifier(name) {
		return fmt.Errorf("%q is no identifier", name)
	}
	return nil
}
