package models

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/safetensors"
	"github.com/llorch/llorch/models/tokenizer"
)

const (
	ggufExt   = ".gguf"
	hfExt     = ".safetensors"
	configHFn = "config.json"
)

const expected = "want a " + ggufExt + " file, a folder with " + configHFn + " and *" + hfExt + ", or a folder with one " + ggufExt + " file"

// Open finds and checks the model at path: a .gguf file, or a folder with config.json and safetensors, whole or in shards.
// A .safetensors file stands for its folder, and a folder without config.json for the one .gguf file in it. The weights
// are mapped; they are held against the graph by Graph.
func Open(path string) (*Model, error) {
	at, isGGUF, err := locate(path)
	if err != nil {
		return nil, err
	}
	if !isGGUF {
		return openHF(path, at)
	}
	f, err := gguf.Open(at)
	if err != nil {
		return nil, err
	}
	m, err := newGGUF(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m.Path = path
	return m, nil
}

// Parse is Open for the bytes of a GGUF file, which errors call name.
func Parse(name string, data []byte) (*Model, error) {
	f, err := gguf.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return newGGUF(f)
}

// locate is the .gguf file or the Hugging Face folder that path means.
func locate(path string) (at string, isGGUF bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false, err
	}
	if info.IsDir() {
		return locateIn(path)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ggufExt:
		return path, true, nil
	case hfExt:
		return filepath.Dir(path), false, nil
	}
	return "", false, fmt.Errorf("%s: not a model's name, %s", path, expected)
}

func locateIn(dir string) (at string, isGGUF bool, err error) {
	if exists(filepath.Join(dir, configHFn)) {
		return dir, false, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", false, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ggufExt) {
			files = append(files, e.Name())
		}
	}
	switch len(files) {
	case 0:
		return "", false, fmt.Errorf("%s: has neither %s nor a %s file, %s", dir, configHFn, ggufExt, expected)
	case 1:
		return filepath.Join(dir, files[0]), true, nil
	}
	return "", false, fmt.Errorf("%s: has no %s and %d %s files, name one of them: %s", dir, configHFn, len(files), ggufExt, strings.Join(files, ", "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newGGUF is the model of a GGUF, which it closes when it is closed.
func newGGUF(f *gguf.File) (*Model, error) {
	w := ggufWeights(f)
	var keys []string
	for _, kv := range f.Keys() {
		keys = append(keys, kv.Key)
	}
	if err := w.checkNames(keys...); err != nil {
		return nil, err
	}
	c, format, err := configGGUF(f)
	if err != nil {
		return nil, err
	}
	if c.Name == "" {
		base := filepath.Base(f.Name)
		c.Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return &Model{
		Config:    c,
		Path:      f.Name,
		format:    format,
		present:   func(key string) bool { return hasKey(f, key) },
		weights:   w,
		tokenizer: func() (tokenizer.Spec, error) { return tokenizer.FromGGUF(f.Name, f) },
	}, nil
}

func hasKey(f *gguf.File, key string) bool {
	_, ok, err := f.Uint(key)
	return ok || err != nil // an error is about the value
}

// openHF opens the folder dir, which path means.
func openHF(path, dir string) (*Model, error) {
	file := filepath.Join(dir, configHFn)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: its folder has no %s, %s", path, configHFn, expected)
	}
	if err != nil {
		return nil, err
	}
	c, unread, err := configHF(file, text)
	if err != nil {
		return nil, err
	}
	if abs, err := filepath.Abs(dir); err == nil {
		c.Name = filepath.Base(abs)
	}
	set, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	m := newHF(path, dir, c, text, set)
	m.Unread = unread
	if err := cmp.Or(m.weights.checkNames(), m.checkPart(path)); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func newHF(path, dir string, c Config, config []byte, set *safetensors.Set) *Model {
	o, _ := parseObject(configHFn, config) // configHF has parsed it
	return &Model{
		Config:    c,
		Path:      path,
		format:    hfFormatOf(archBy(c.Arch, byType)),
		present:   o.has,
		weights:   setWeights(dir, set),
		tokenizer: func() (tokenizer.Spec, error) { return tokenizerHF(dir) },
	}
}

// checkPart refuses the path of a .safetensors file that the folder's model does not consist of.
func (m *Model) checkPart(path string) error {
	if !strings.EqualFold(filepath.Ext(path), hfExt) || len(m.weights.list) == 0 {
		return nil
	}
	for _, t := range m.weights.list {
		if filepath.Clean(t.File) == filepath.Clean(path) {
			return nil
		}
	}
	return fmt.Errorf("%s: not part of the model in its folder, which has %s", path, m.weights.list[0].File)
}
