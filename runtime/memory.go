package runtime

import "fmt"

// Memory is what a program needs on its device, in bytes.
type Memory struct {
	Weights int64 `json:"weights"`
	KV      int64 `json:"kv"`    // of one session
	Arena   int64 `json:"arena"` // intermediates of the step that needs the most
}

// Total is what one session needs.
func (m Memory) Total() int64 { return m.Weights + m.KV + m.Arena }

// LargestContext is the longest context of a program like this one, with room for so many tokens, that needs at most so many bytes;
// 0 where there is none. Only the KV cache grows with it.
func (m Memory) LargestContext(context int, bytes int64) int {
	left := bytes - m.Weights - m.Arena
	switch {
	case left < 0 || context < 1:
		return 0
	case m.KV == 0:
		return context
	}
	return int(left / (m.KV / int64(context)))
}

// Fitting says in words what would fit where a program like this one does not.
func (m Memory) Fitting(context int, bytes int64) string {
	if n := m.LargestContext(context, bytes); n > 0 {
		return fmt.Sprintf("a context of %d tokens would fit", n)
	}
	return "no context would fit"
}

// Memory sums up the program's buffers.
func (p *Program) Memory() Memory {
	var m Memory
	for i := range p.Weights {
		m.Weights += p.Weights[i].Bytes
	}
	for i := range p.States {
		m.KV += p.States[i].Bytes
	}
	for i := range p.Steps {
		m.Arena = max(m.Arena, p.Steps[i].Arena)
	}
	return m
}
