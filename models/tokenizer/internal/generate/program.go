package main

// A program is an expression as the instructions of a backtracking matcher, which tries next before other.
type program []inst

type inst struct {
	kind        kind
	set         runeSet // of take and ahead
	end         bool    // ahead: the end of the text will do
	next, other int
}

type kind int

const (
	take  kind = iota // one character of the set
	ahead             // nothing, where the next character is one of the set
	fork              // next; where that leads to no match, other
	match
)

func compile(n *node) program {
	var p program
	start := p.add(inst{kind: match})
	start = p.node(n, start)
	p.add(inst{kind: fork, next: start, other: start}) // the last instruction is where to begin
	return p
}

func (p *program) add(i inst) int {
	*p = append(*p, i)
	return len(*p) - 1
}

// node adds what matches n and goes on at next; it returns where that begins.
func (p *program) node(n *node, next int) int {
	switch n.op {
	case opSet:
		return p.add(inst{kind: take, set: n.set, next: next})
	case opAhead:
		return p.add(inst{kind: ahead, set: n.set, end: n.end, next: next})
	case opAlt:
		last := len(n.kids) - 1
		at := p.node(n.kids[last], next)
		for i := last - 1; i >= 0; i-- {
			at = p.add(inst{kind: fork, next: p.node(n.kids[i], next), other: at})
		}
		return at
	case opRepeat:
		return p.repeat(n, next)
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		next = p.node(n.kids[i], next)
	}
	return next
}

func (p *program) repeat(n *node, next int) int {
	kid, at := n.kids[0], next
	if n.max < 0 {
		at = p.add(inst{kind: fork, other: next})
		(*p)[at].next = p.node(kid, at)
	}
	for i := n.min; i < n.max; i++ {
		at = p.add(inst{kind: fork, next: p.node(kid, at), other: next})
	}
	for range n.min {
		at = p.node(kid, at)
	}
	return at
}
