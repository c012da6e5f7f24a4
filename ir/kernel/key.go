package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key identifies the kernel by what it computes: the hash of its text with every name replaced by a number, and without Name
// and Doc, so that kernels which differ in words alone are one. It is taken before gofmt, so that a later Go that spaces
// differently finds the same key.
func (k *Kernel) Key() string {
	sum := sha256.Sum256([]byte(k.numbered()))
	return hex.EncodeToString(sum[:16])
}

// numbered is the text with names numbered in the order of their declaration.
func (k *Kernel) numbered() string {
	names := map[string]string{}
	for _, n := range k.declared() {
		if names[n] == "" {
			names[n] = fmt.Sprintf("v%d", len(names))
		}
	}
	text := k.text("kernel")
	var b strings.Builder
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && wordByte(text[j]) {
			j++
		}
		if j == i {
			b.WriteByte(text[i])
			i++
			continue
		}
		word := text[i:j]
		if n, ok := names[word]; ok && !(j < len(text) && text[j] == '(') { // a name may be spelt like a function
			word = n
		}
		b.WriteString(word)
		i = j
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// declared lists the names that the kernel declares.
func (k *Kernel) declared() []string {
	var names []string
	for _, b := range k.Bufs {
		names = append(names, b.Name)
	}
	names = append(append(names, k.Ints...), k.Floats...)
	for _, a := range k.Grid {
		names = append(names, a.Var)
	}
	for _, l := range k.Group {
		names = append(names, l.Name)
	}
	return appendDeclared(names, k.Body)
}

func appendDeclared(names []string, body []Stmt) []string {
	for _, s := range body {
		switch s := s.(type) {
		case *Let:
			names = append(names, s.Name)
		case *For:
			names = appendDeclared(append(names, s.Var), s.Body)
		case *Join:
			names = appendDeclared(append(names, s.Var), s.Body)
		case *Reduce:
			names = append(names, s.Name, s.Var)
		case *If:
			names = appendDeclared(appendDeclared(names, s.Then), s.Else)
		}
	}
	return names
}
