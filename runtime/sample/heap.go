package sample

// candidate is a token that may be drawn.
type candidate struct {
	logit float32 // after the repetition penalty
	id    int32
}

// better is the one ranking of tokens: by logit, the lower id first among equals.
func better(a, b candidate) bool {
	return a.logit > b.logit || a.logit == b.logit && a.id < b.id
}

func worse(a, b candidate) bool { return better(b, a) }

// heapify orders h as a binary heap with the first by the order at h[0].
func heapify(h []candidate, first func(a, b candidate) bool) {
	for i := len(h)/2 - 1; i >= 0; i-- {
		siftDown(h, i, first)
	}
}

// siftDown restores the heap below h[i].
func siftDown(h []candidate, i int, first func(a, b candidate) bool) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && first(h[child+1], h[child]) {
			child++
		}
		if !first(h[child], h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
