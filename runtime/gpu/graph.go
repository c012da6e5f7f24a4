package gpu

// Graphs that a cache may have.
const (
	decodeGraph = "decode" // a step, with the copies of its input and its logits
	greedyGraph = "greedy" // a step, and what chooses the next one's token
	bestGraph   = "best"   // a step, with the copy of its input, and what finds the likeliest tokens
)

// graph runs what queue queues as one graph, which it captures the first time and keeps with the cache. Steps whose grids depend
// on the past are queued each time, and so are those to be watched.
func (e *Engine) graph(m *room, s *step, name string, queue func() error) error {
	if !s.fixed || e.oneByOne() {
		return queue()
	}
	g, ok := m.graphs[name]
	if !ok {
		var err error
		if g, err = e.ctx.Capture(e.stream, queue); err != nil {
			return err
		}
		m.graphs[name] = g
	}
	return e.ctx.Run(g, e.stream)
}
