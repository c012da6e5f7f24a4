package gguf

import "testing"

// FuzzParse checks that no input makes Parse, or a reader of what it accepted, panic or leave the file.
func FuzzParse(f *testing.F) {
	f.Add(small(2))
	f.Add(small(3))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		if err != nil {
			return
		}
		for _, kv := range file.Keys() {
			_, _, _ = file.String(kv.Key)
			_, _, _ = file.Uint(kv.Key)
			_, _, _ = file.Int(kv.Key)
			_, _, _ = file.Float(kv.Key)
			_, _, _ = file.Bool(kv.Key)
			_, _, _ = file.Floats(kv.Key)
			_, _, _ = file.Ints(kv.Key)
			if s, ok, _ := file.Strings(kv.Key); ok && int64(len(s)) != kv.Len {
				t.Fatalf("key %q: %d strings, want %d", kv.Key, len(s), kv.Len)
			}
		}
		for i := range file.Tensors {
			tensor := &file.Tensors[i]
			if n := int64(len(file.Data(tensor))); n != tensor.Size {
				t.Fatalf("tensor %q: %d bytes, want %d", tensor.Name, n, tensor.Size)
			}
		}
	})
}
