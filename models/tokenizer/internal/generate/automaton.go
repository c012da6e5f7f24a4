package main

import (
	"errors"
	"fmt"
	"slices"
)

// An automaton finds what a program's backtracking would, reading every character once. A state is the list of places
// where the backtracking matcher could be, in the order in which it would try them. Reading a character first follows
// what needs no character, with this one as the next, then takes it. A place that matches ends the list, since nothing
// behind it would be tried; whatever match is seen last is the one that backtracking finds.
type automaton struct {
	classes []int // of the kinds of characters; the end of the text is one more, the last
	states  [][]step
}

// A step is what reading a character of a class does.
type step struct {
	match bool // a match ends in front of the character
	next  int  // state, 0 where nothing is left to try
}

// determinise builds the automaton of p. sample has a character of each class, classes the class of each kind.
func determinise(p program, classes []int, sample []rune) (*automaton, error) {
	b := builder{p: p, ids: map[string]int{}}
	b.state(nil) // 0
	b.state([]int{len(p) - 1})
	for i := 1; i < len(b.lists); i++ {
		for _, r := range append(slices.Clone(sample), endOfText) {
			matches, list := b.read(b.lists[i], r)
			if i == 1 && matches {
				return nil, errors.New("the empty text matches")
			}
			b.steps[i] = append(b.steps[i], step{matches, b.state(list)})
		}
	}
	b.steps[0] = make([]step, len(sample)+1)
	a := &automaton{classes, b.steps}
	a.minimise()
	return a, nil
}

const endOfText = -1

type builder struct {
	p     program
	ids   map[string]int
	lists [][]int
	steps [][]step
}

// state is the number of the state with this list.
func (b *builder) state(list []int) int {
	key := fmt.Sprint(list)
	id, ok := b.ids[key]
	if !ok {
		id = len(b.lists)
		b.ids[key] = id
		b.lists = append(b.lists, list)
		b.steps = append(b.steps, nil)
	}
	return id
}

// read is a step from the places in list: whether one of them matches in front of r, and the places behind r.
func (b *builder) read(list []int, r rune) (matches bool, after []int) {
	seen := make([]bool, len(b.p))
	var visit func(at int) bool // whether to go on
	visit = func(at int) bool {
		if seen[at] {
			return true
		}
		seen[at] = true
		i := &b.p[at]
		switch i.kind {
		case match:
			matches = true
			return false
		case fork:
			return visit(i.next) && visit(i.other)
		case ahead:
			if r == endOfText && i.end || i.set.has(r) {
				return visit(i.next)
			}
		case take:
			if i.set.has(r) && !slices.Contains(after, i.next) {
				after = append(after, i.next)
			}
		}
		return true
	}
	for _, at := range list {
		if !visit(at) {
			break
		}
	}
	return matches, after
}

// minimise joins states that no text tells apart. State 0 stays the one that has ended, state 1 the first.
func (a *automaton) minimise() {
	block := make([]int, len(a.states))
	for count := 0; ; {
		ids := map[string]int{}
		next := make([]int, len(block))
		for i, steps := range a.states {
			key := []int{block[i]}
			for _, s := range steps {
				key = append(key, block[s.next])
				if s.match {
					key = append(key, -1)
				}
			}
			k := fmt.Sprint(key)
			if _, ok := ids[k]; !ok {
				ids[k] = len(ids)
			}
			next[i] = ids[k]
		}
		block = next
		if len(ids) == count {
			break
		}
		count = len(ids)
	}
	var states [][]step
	for i, steps := range a.states {
		if block[i] < len(states) {
			continue
		}
		joined := slices.Clone(steps)
		for j := range joined {
			joined[j].next = block[joined[j].next]
		}
		states = append(states, joined)
	}
	a.states = states
}
