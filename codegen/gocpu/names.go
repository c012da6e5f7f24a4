package gocpu

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"
)

// Names that an emitted file or function must not redefine, beside keywords and predeclared names.
var (
	fileReserved     = []string{"cpu", "math", "binary", "init", "main", "Kernels", "Tiles"}
	functionReserved = []string{"cpu", "math", "a", "scratch", "g"}
)

// names hands out identifiers that are unique in one scope.
type names struct{ taken map[string]bool }

func newNames(reserved []string) *names {
	n := &names{map[string]bool{}}
	for _, r := range reserved {
		n.taken[r] = true
	}
	return n
}

// fresh returns name in Go's form, or name2, name3 and so on when it is taken.
func (n *names) fresh(name string) string {
	base := goName(name)
	for i := 2; ; i++ {
		if !n.taken[base] && !token.IsKeyword(base) && types.Universe.Lookup(base) == nil {
			n.taken[base] = true
			return base
		}
		base = goName(name) + strconv.Itoa(i)
	}
}

// goName spells name in MixedCaps: attn_qkv is attnQkv. What no identifier can hold separates words.
func goName(name string) string {
	var b strings.Builder
	upper := false
	for _, r := range name {
		switch {
		case r != '_' && unicode.IsLetter(r), unicode.IsDigit(r) && b.Len() > 0:
			if upper && b.Len() > 0 {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
			upper = false
		default:
			upper = true
		}
	}
	if b.Len() == 0 {
		return "x"
	}
	return b.String()
}

// title is name with its first letter in upper case.
func title(name string) string {
	r := []rune(name)
	return string(unicode.ToUpper(r[0])) + string(r[1:])
}
