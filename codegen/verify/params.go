package verify

import (
	"fmt"
	goruntime "runtime"
	"sync"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
)

// keptElems are the elements of weights that stay in memory as float64. What is beyond that is decoded for each use.
const keptElems = 64 << 20

// params are a model's weights in float64. Several goroutines may ask for them.
type params struct {
	src codegen.Source

	mu   sync.Mutex // of src and what follows
	kept map[string]*ir.Array
	used int // elements in kept
}

// value is a weight, as the file has it: how a target packs it makes no difference.
func (p *params) value(n *ir.Node) (*ir.Array, error) {
	p.mu.Lock()
	kept := p.kept[n.Name]
	p.mu.Unlock()
	if kept != nil {
		return kept, nil
	}
	a, err := ir.NewArray(n.Type, nil)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	data, d, err := p.src.Data(n.Name)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	row := d.Row()
	if row == nil || row.Decode == nil || row.Rows != 1 || len(data) != len(a.Data)/row.Elems*row.Bytes {
		return nil, fmt.Errorf("weight %s: %d bytes of %s for %d elements", n.Name, len(data), d, len(a.Data))
	}
	blocks, workers := len(a.Data)/row.Elems, goruntime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for i := range workers {
		from, to := blocks*i/workers, blocks*(i+1)/workers
		wg.Go(func() { widen(a.Data[from*row.Elems:to*row.Elems], data[from*row.Bytes:], row) })
	}
	wg.Wait()
	if err := finite("weight "+n.Name, a, false); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[n.Name] != nil { // by another goroutine
		return p.kept[n.Name], nil
	}
	if p.used+len(a.Data) <= keptElems {
		p.used += len(a.Data)
		p.kept[n.Name] = a
		return a, nil
	}
	p.src.Release(data)
	return a, nil
}

// widen decodes whole blocks.
func widen(to []float64, data []byte, row *kernel.DTypeRow) {
	part := make([]float32, min(len(to), 64*row.Elems))
	for at := 0; at < len(to); at += len(part) {
		part = part[:min(len(part), len(to)-at)]
		row.Decode(part, data[at/row.Elems*row.Bytes:][:len(part)/row.Elems*row.Bytes])
		for i, v := range part {
			to[at+i] = float64(v)
		}
	}
}
