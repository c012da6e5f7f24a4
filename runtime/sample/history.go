package sample

// history is the last limit tokens, in no particular order. Its memory grows with the tokens added, not with the limit.
type history struct {
	ids   []int32
	limit int
	next  int // the oldest, once the history is full
}

func (h *history) add(id int32) {
	if len(h.ids) < h.limit {
		h.ids = append(h.ids, id)
		return
	}
	h.ids[h.next] = id
	h.next = (h.next + 1) % h.limit
}

func (h *history) reset() {
	h.ids, h.next = h.ids[:0], 0
}
