package runtime

// Memory is what a program needs on its device, in bytes.
type Memory struct {
	Weights int64 `json:"weights"`
	KV      int64 `json:"kv"`    // of one session
	Arena   int64 `json:"arena"` // intermediates of the step that needs the most
}

// Total is what one session needs.
func (m Memory) Total() int64 { return m.Weights + m.KV + m.Arena }

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
