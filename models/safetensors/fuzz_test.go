package safetensors

import "testing"

// FuzzParse checks that no input makes Parse panic, and that the tensors of what it accepts cover the data.
func FuzzParse(f *testing.F) {
	f.Add(small())
	f.Add(file("{}", nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		if err != nil {
			return
		}
		length, err := headerLength(data)
		if err != nil {
			t.Fatal(err)
		}
		end := lengthSize + length
		for i := range file.Tensors {
			tensor := &file.Tensors[i]
			if tensor.Offset != end || int64(len(file.Data(tensor))) != tensor.Size {
				t.Fatalf("tensor %q: %d bytes at byte %d, want %d at byte %d", tensor.Name, len(file.Data(tensor)), tensor.Offset, tensor.Size, end)
			}
			end += tensor.Size
		}
		if end != int64(len(data)) {
			t.Fatalf("the tensors end at byte %d, the file at byte %d", end, len(data))
		}
	})
}
