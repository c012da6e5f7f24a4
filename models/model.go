package models

import (
	"fmt"
	"slices"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models/tokenizer"
)

// Model is an open model: its numbers, its graph, its mapped weights and, when asked for, its tokenizer.
type Model struct {
	Config
	Path   string   // as given to Open
	Unread []string // keys of config.json of which nothing is known

	format    *format
	present   func(key string) bool // whether a key of the format is there
	weights   *weights
	tokenizer func() (tokenizer.Spec, error)
}

// Graph declares the model's graph, has it verified, and proves the file's tensors against its parameters: their names,
// shapes and dtypes. All errors are reported at once. The parameters have the file's dtypes, whatever o.Weight says; without o.KV the
// cache is f32 for f32 weights, else f16.
func (m *Model) Graph(o Options) (*ir.Graph, error) {
	c := m.Config
	switch {
	case o.Context < 0 || o.Context > c.Context:
		return nil, fmt.Errorf("%s: a context of %d is asked for, want 1 to the model's own, which is %d", m.Path, o.Context, c.Context)
	case o.Context > 0:
		c.Context = o.Context
	}
	switch o.KV {
	case kernel.Invalid:
		o.KV = m.kvType()
	case kernel.F32, kernel.F16:
	default:
		return nil, fmt.Errorf("%s: a KV cache of %s is asked for, want f32 or f16", m.Path, o.KV)
	}
	if n := len(m.weights.list); c.Layers > n { // else the graph would be larger than the file justifies
		return nil, fmt.Errorf("%s: %s, but there are %d tensors in all", m.weights.place, m.says(fact{m.format.layers, c.Layers}), n)
	}
	o.Weight = m.dtype
	g := Llama(c, o)
	if err := ir.Verify(g); err != nil {
		return nil, err
	}
	if err := prove(m, g); err != nil {
		return nil, err
	}
	return g, nil
}

// weight is the tensor of a graph's path.
func (m *Model) weight(path string) (*TensorInfo, error) {
	name, err := m.format.fileName(path)
	if err != nil {
		return nil, err
	}
	t, ok := m.weights.tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: has no tensor %s, which is %s in the graph", m.weights.place, name, path)
	}
	return t, nil
}

// dtype is a weight's type; that of one that prove will report does not matter.
func (m *Model) dtype(path string) ir.DType {
	t, err := m.weight(path)
	if err != nil {
		return kernel.F32
	}
	if d, ok := t.dtype(); ok {
		return d
	}
	return kernel.F32
}

// dtype is the tensor's type, if weights may have it.
func (t *TensorInfo) dtype() (ir.DType, bool) {
	d, ok := kernel.ParseDType(t.DType)
	if !ok || !d.Row().Weight || d.Row().Panel != nil {
		return kernel.Invalid, false
	}
	return d, true
}

func (m *Model) kvType() ir.DType {
	narrow := slices.ContainsFunc(m.weights.list, func(t TensorInfo) bool {
		return m.format.knows(t.Name) && t.DType != kernel.F32.String()
	})
	if narrow {
		return kernel.F16
	}
	return kernel.F32
}

// Data returns a weight's bytes by its path in the graph, a part of the mapping that ends with Close, and their dtype.
func (m *Model) Data(path string) (data []byte, dtype ir.DType, err error) {
	t, err := m.weight(path)
	if err != nil {
		return nil, kernel.Invalid, err
	}
	dtype, ok := t.dtype()
	if !ok {
		return nil, kernel.Invalid, fmt.Errorf("%s: tensor %s is %s, which is not supported", t.File, t.Name, t.DType)
	}
	if m.weights.data == nil {
		return nil, kernel.Invalid, fmt.Errorf("%s: is closed", m.Path)
	}
	data = m.weights.data(m.weights.index[t.Name])
	if part := m.partOf(path, t); part != nil {
		if data, err = part.of(data, t); err != nil {
			return nil, kernel.Invalid, err
		}
	}
	return data, dtype, nil
}

// Release says that data, which Data returned, will not be looked at again soon: its pages need not stay in memory. nil stands
// for everything: a system maps the neighbours of what is looked at too, and what is in use it finds again at once.
func (m *Model) Release(data []byte) {
	if m.weights.release != nil {
		m.weights.release(data)
	}
}

// TensorTable describes every tensor of the model's files, in their order.
func (m *Model) TensorTable() []TensorInfo { return slices.Clone(m.weights.list) }

// Tokenizer reads the model's tokenizer, which nothing else needs. Added tokens that the embedding table has no row for,
// as some folders have (a <pad> of training), are left out.
func (m *Model) Tokenizer() (*tokenizer.Spec, error) {
	s, err := m.tokenizer()
	if err != nil {
		return nil, err
	}
	for i := len(s.Pieces) - 1; i >= m.Vocab && isAdded(s.Pieces[i]); i-- {
		s.Pieces = s.Pieces[:i]
		s.EOG = slices.DeleteFunc(s.EOG, func(id int32) bool { return int(id) == i })
	}
	if len(s.Pieces) > m.Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has %d pieces, but %s", m.Path, len(s.Pieces), m.says(fact{m.format.vocab, m.Vocab}))
	}
	return &s, nil
}

func isAdded(p tokenizer.Piece) bool {
	return p.Type == tokenizer.UserDefined || p.Type == tokenizer.Control
}

// Close ends the mapping of the weights. Closing twice does nothing.
func (m *Model) Close() error {
	if m.weights.data == nil {
		return nil
	}
	m.weights.data, m.weights.release = nil, nil
	return m.weights.close()
}
