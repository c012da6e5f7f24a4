package models

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/safetensors"
)

// Contents is what a model's files hold, whether or not the model is supported.
type Contents struct {
	Path     string // the file or folder itself
	Kind     string // "gguf" or "safetensors"
	Metadata []Property
	Tensors  []TensorInfo
}

// Property is a key of a model's configuration, for people to read.
type Property struct {
	Key   string `json:"key"`
	Type  string `json:"type,omitempty"` // GGUF's type: "u32", "arr[str]"; JSON's: "number", "array"
	Len   int64  `json:"len,omitempty"`  // elements of a GGUF array
	Value string `json:"value"`          // shortened
}

// Inspect lists what is in the files of the model at path, which is as for Open, of any architecture.
func Inspect(path string) (*Contents, error) {
	at, isGGUF, err := locate(path)
	if err != nil {
		return nil, err
	}
	if isGGUF {
		return inspectGGUF(at)
	}
	return inspectHF(at)
}

func inspectGGUF(path string) (*Contents, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	w := ggufWeights(f)
	c := &Contents{Path: path, Kind: ggufName, Tensors: w.list}
	var keys []string
	for _, kv := range f.Keys() {
		c.Metadata = append(c.Metadata, Property{kv.Key, kv.Type, kv.Len, kv.Value})
		keys = append(keys, kv.Key)
	}
	if err := errors.Join(w.checkNames(keys...), f.Close()); err != nil {
		return nil, err
	}
	return c, nil
}

func inspectHF(dir string) (*Contents, error) {
	file := filepath.Join(dir, configHFn)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	o, err := parseObject(file, text)
	if err != nil {
		return nil, err
	}
	set, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	w := setWeights(dir, set)
	c := &Contents{Path: dir, Kind: hfName, Tensors: w.list}
	for _, key := range o.keys {
		c.Metadata = append(c.Metadata, Property{Key: key, Type: jsonType(o.raw[key]), Value: o.shown(key)})
	}
	if err := errors.Join(w.checkNames(), set.Close()); err != nil {
		return nil, err
	}
	return c, nil
}

func jsonType(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}
