package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:generate go run ./internal/generate zwords.go

// A preTokenizer cuts text into words, which BPE then merges each by itself.
// zwords.go has them all, with what reads them: the table is
// internal/generate/table.go.
type preTokenizer struct {
	names        []string // as tokenizer.ggml.pre has them
	automata     []int    // each cuts further what the ones before it left
	ignoreMerges bool     // a word that is a piece is not merged
	addBOS       bool     // unless the file says otherwise
	noBOS        bool     // there is none unless the file names one
}

// preTokenizerNamed is nil for a name that the table lacks.
func preTokenizerNamed(name string) *preTokenizer {
	i := slices.IndexFunc(preTokenizers[:], func(p preTokenizer) bool { return slices.Contains(p.names, name) })
	if i < 0 {
		return nil
	}
	return &preTokenizers[i]
}

// preTokenizerNames lists the table's names for an error.
func preTokenizerNames() string {
	var list []string
	for _, p := range preTokenizers {
		list = append(list, p.names...)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// An automaton finds the leftmost match of a regular expression that a
// backtracking matcher would find, reading each character once.
type automaton struct {
	expr    string
	classes int      // of characters, and one for the end of the text
	class   []uint8  // of each kind of characters
	next    []uint16 // a row a state: twice the next state for each class, and 1 where a match ends in front of the character
}

// match returns the bytes of the match at the beginning of text, 0 for none;
// then nothing matches within the first misses bytes either. text is what
// wellFormed returns.
func (a *automaton) match(text string) (length, misses int) {
	kinds := kindTable()
	state, firstState, firstClass := 1, 0, 0
	for at := 0; at < len(text); {
		var kind uint8
		n := 1
		if c := text[at]; c < 0x80 {
			kind = kinds.ascii[c]
		} else {
			var r rune
			r, n = decode(text[at:])
			kind = kinds.of(r)
		}
		class := int(a.class[kind])
		step := a.next[state*a.classes+class]
		if step&1 != 0 {
			length = at
		}
		state = int(step >> 1)
		// While a character as the first leads back to the state behind the
		// first, an attempt from it would go the same way and fail too.
		switch {
		case at == 0:
			firstState, firstClass, misses = state, class, n
		case at == misses && state == firstState && class == firstClass:
			misses += n
		}
		if state == 0 {
			return length, misses
		}
		at += n
	}
	if a.next[(state+1)*a.classes-1]&1 != 0 {
		length = len(text)
	}
	return length, misses
}

// words calls emit with the words of text in order: the first automaton's
// matches and what lies between them, cut again by the others.
func words(list []int, text string, emit func(word string)) {
	if len(list) == 0 {
		emit(text)
		return
	}
	a, rest := &automata[list[0]], list[1:]
	between := 0
	for at := 0; at < len(text); {
		n, misses := a.match(text[at:])
		if n == 0 {
			at += misses
			continue
		}
		if between < at {
			words(rest, text[between:at], emit)
		}
		words(rest, text[at:at+n], emit)
		at += n
		between = at
	}
	if between < len(text) {
		words(rest, text[between:], emit)
	}
}

// A kindStart is where in Unicode another kind of characters begins.
type kindStart struct {
	r    rune
	kind uint8
}

const (
	pageBits = 7
	pageSize = 1 << pageBits
)

// kindPages is the kind of every character: pages of pageSize characters, of
// which those that are of one kind are kept once.
type kindPages struct {
	ascii [pageSize]uint8
	page  [(unicode.MaxRune + 1) / pageSize]uint16
	kinds []uint8
}

func (k *kindPages) of(r rune) uint8 {
	return k.kinds[int(k.page[r>>pageBits])<<pageBits|int(r&(pageSize-1))]
}

// kindTable is built when first asked for.
var kindTable = sync.OnceValue(func() *kindPages {
	k := new(kindPages)
	uniform := map[uint8]uint16{} // page of one kind
	starts := kindStarts[:]
	for p := range k.page {
		first := rune(p) << pageBits
		for len(starts) > 1 && starts[1].r <= first {
			starts = starts[1:]
		}
		one := len(starts) == 1 || starts[1].r >= first+pageSize
		if id, ok := uniform[starts[0].kind]; ok && one {
			k.page[p] = id
			continue
		}
		k.page[p] = uint16(len(k.kinds) / pageSize)
		if one {
			uniform[starts[0].kind] = k.page[p]
		}
		for r := first; r < first+pageSize; r++ {
			if len(starts) > 1 && starts[1].r <= r {
				starts = starts[1:]
			}
			k.kinds = append(k.kinds, starts[0].kind)
		}
	}
	copy(k.ascii[:], k.kinds[k.page[0]<<pageBits:])
	return k
})
