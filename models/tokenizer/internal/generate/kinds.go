package main

import "unicode"

// kinds divides the characters into kinds that no set tells apart.
type kinds struct {
	sets   []runeSet
	starts []start // a kind a run of characters, ascending
	member [][]bool
	sample []rune // a character of each kind
}

type start struct {
	r    rune
	kind int
}

func divide(sets []runeSet) *kinds {
	k := &kinds{sets: sets}
	edges := map[rune]bool{0: true}
	for _, s := range sets {
		for _, p := range s {
			edges[p.lo], edges[p.hi+1] = true, true
		}
	}
	ids := map[string]int{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !edges[r] {
			continue
		}
		in, key := k.in(r)
		id, ok := ids[key]
		if !ok {
			id = len(ids)
			ids[key] = id
			k.member, k.sample = append(k.member, in), append(k.sample, r)
		}
		if n := len(k.starts); n == 0 || k.starts[n-1].kind != id {
			k.starts = append(k.starts, start{r, id})
		}
	}
	return k
}

// in says which sets have r, also as a map's key.
func (k *kinds) in(r rune) ([]bool, string) {
	list, key := make([]bool, len(k.sets)), make([]byte, len(k.sets))
	for i, s := range k.sets {
		if list[i] = s.has(r); list[i] {
			key[i] = 1
		}
	}
	return list, string(key)
}

// classes joins the kinds that the program's own sets do not tell apart: the class of each kind, and a character of each
// class.
func (k *kinds) classes(p program) (classes []int, sample []rune) {
	ids := map[string]int{}
	for _, r := range k.sample {
		var key []byte
		for _, i := range p {
			if i.kind == take || i.kind == ahead {
				key = append(key, '0')
				if i.set.has(r) {
					key[len(key)-1] = '1'
				}
			}
		}
		id, ok := ids[string(key)]
		if !ok {
			id = len(ids)
			ids[string(key)] = id
			sample = append(sample, r)
		}
		classes = append(classes, id)
	}
	return classes, sample
}
