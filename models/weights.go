package models

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/safetensors"
)

// TensorInfo describes a tensor of a model's file.
type TensorInfo struct {
	Name  string  `json:"name"`
	DType string  `json:"dtype"` // "f32", "q4_k", ...: in lower case whatever the format
	Shape []int64 `json:"shape"` // slowest axis first
	Bytes int64   `json:"bytes"`
	File  string  `json:"file,omitempty"`
}

// weights are the tensors of a model, in whatever files they lie.
type weights struct {
	place string // the file, or the folder of several
	list  []TensorInfo
	index map[string]int // by name
	data  func(i int) []byte
	close func() error

	release func(data []byte) // nil where nothing is gained by it
}

func newWeights(place string, list []TensorInfo, data func(i int) []byte, close func() error) *weights {
	w := &weights{place: place, list: list, index: make(map[string]int, len(list)), data: data, close: close}
	for i, t := range list {
		w.index[t.Name] = i
	}
	return w
}

func ggufWeights(f *gguf.File) *weights {
	list := make([]TensorInfo, len(f.Tensors))
	for i, t := range f.Tensors {
		shape := slices.Clone(t.Dims)
		slices.Reverse(shape)
		list[i] = TensorInfo{Name: t.Name, DType: t.TypeName, Shape: shape, Bytes: t.Size, File: f.Name}
	}
	w := newWeights(f.Name, list, func(i int) []byte { return f.Data(&f.Tensors[i]) }, f.Close)
	w.release = f.Release
	return w
}

func setWeights(dir string, s *safetensors.Set) *weights {
	tensors := s.Tensors()
	list := make([]TensorInfo, len(tensors))
	for i, t := range tensors {
		list[i] = TensorInfo{Name: t.Name, DType: strings.ToLower(t.DType), Shape: t.Shape, Bytes: t.Size, File: t.File}
	}
	return newWeights(dir, list, func(i int) []byte { return s.Data(&tensors[i]) }, s.Close)
}

// checkNames refuses control characters in the names that errors and listings show, on terminals too.
func (w *weights) checkNames(keys ...string) error {
	for _, t := range w.list {
		keys = append(keys, t.Name)
	}
	for _, name := range keys {
		if strings.ContainsFunc(name, unicode.IsControl) {
			return fmt.Errorf("%s: name %.80q has control characters", w.place, name)
		}
	}
	return nil
}

func (w *weights) tensor(name string) (*TensorInfo, bool) {
	i, ok := w.index[name]
	if !ok {
		return nil, false
	}
	return &w.list[i], true
}
