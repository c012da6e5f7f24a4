package safetensors

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// Set is the tensors of a model's folder. Their data must not be used after Close.
type Set struct {
	files   map[string]*File // by the name that Tensor.File has
	tensors []Tensor         // sorted by name
}

// OpenDir opens the model in dir: model.safetensors or, without one, the shards that model.safetensors.index.json
// names. The index and the shards have to agree on every tensor.
func OpenDir(dir string) (*Set, error) {
	s := &Set{files: map[string]*File{}}
	if err := s.openDir(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	slices.SortFunc(s.tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

func (s *Set) openDir(dir string) error {
	err := s.open(filepath.Join(dir, singleName))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	x, err := readIndex(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: has neither %s nor %s", dir, singleName, indexName)
	}
	if err != nil {
		return err
	}
	return s.openShards(dir, x)
}

// open adds the file at path.
func (s *Set) open(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	s.files[path] = f
	s.tensors = append(s.tensors, f.Tensors...)
	return nil
}

// openShards adds the files that the index names, in the order of their names.
func (s *Set) openShards(dir string, x *index) error {
	example := map[string]string{} // shard to the first tensor in it
	for tensor, shard := range x.shards {
		if first, ok := example[shard]; !ok || tensor < first {
			example[shard] = tensor
		}
	}
	for _, shard := range slices.Sorted(maps.Keys(example)) {
		err := s.open(filepath.Join(dir, shard))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: weight_map: tensor %q: shard %s does not exist", x.path, example[shard], shard)
		}
		if err != nil {
			return err
		}
	}
	return s.checkIndex(dir, x)
}

// checkIndex compares the index's tensors with the shards'.
func (s *Set) checkIndex(dir string, x *index) error {
	home := make(map[string]string, len(s.tensors)) // tensor to file
	for _, t := range s.tensors {
		if other, ok := home[t.Name]; ok {
			return fmt.Errorf("%s: tensor %q: also in %s", t.File, t.Name, other)
		}
		home[t.Name] = t.File
		if _, ok := x.shards[t.Name]; !ok {
			return fmt.Errorf("%s: tensor %q: not in the weight_map of %s", t.File, t.Name, x.path)
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(x.shards)) {
		if want := filepath.Join(dir, x.shards[tensor]); home[tensor] != want {
			return fmt.Errorf("%s: weight_map: tensor %q: not in %s", x.path, tensor, x.shards[tensor])
		}
	}
	return nil
}

// Tensors returns the tensors of all files, sorted by name.
func (s *Set) Tensors() []Tensor { return s.tensors }

// ByName returns the tensor of that name.
func (s *Set) ByName(name string) (*Tensor, bool) {
	i, ok := slices.BinarySearchFunc(s.tensors, name, func(t Tensor, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return nil, false
	}
	return &s.tensors[i], true
}

// Data returns the bytes of one of the set's tensors, a part of a mapping.
func (s *Set) Data(t *Tensor) []byte { return s.files[t.File].Data(t) }

// Close closes every file.
func (s *Set) Close() error {
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		errs = append(errs, s.files[path].Close())
	}
	return errors.Join(errs...)
}
