package tokenizer

// A merge is two neighbouring symbols that would make a piece.
type merge struct {
	score       float32
	left, right int // indices of symbols
	n           int // bytes of both when it was proposed
}

// before is the order of merging: by score, the leftmost first among equals.
func (c merge) before(d merge) bool {
	return c.score > d.score || c.score == d.score && c.left < d.left
}

// A mergeQueue is a binary heap, the next merge at its root. container/heap
// would box every merge.
type mergeQueue []merge

func (q *mergeQueue) push(c merge) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 && c.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = c
	*q = h
}

// pop removes and returns the next merge of a queue that has one.
func (q *mergeQueue) pop() merge {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if child >= len(h) || !h[child].before(last) {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*q = h
	return top
}
