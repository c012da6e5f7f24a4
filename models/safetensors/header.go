package safetensors

import "fmt"

const metadataKey = "__metadata__"

// readHeader decodes the header's text. Tensors' offsets are left as it has them, relative to the data.
func (f *File) readHeader(text []byte) error {
	if len(text) == 0 || text[0] != '{' {
		return fmt.Errorf("header at byte %d: begins with %q, want %q", lengthSize, text[:min(1, len(text))], "{")
	}
	d, err := newDecoder(text, lengthSize)
	if err == nil {
		err = d.object(func(key string) error { return f.readHeaderKey(d, key) })
	}
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return nil
}

func (f *File) readHeaderKey(d *decoder, key string) error {
	if key != metadataKey {
		t := Tensor{Name: key, File: f.Name}
		if err := t.read(d); err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		f.Tensors = append(f.Tensors, t)
		return nil
	}
	f.Metadata = map[string]string{}
	err := d.object(func(key string) (err error) {
		f.Metadata[key], err = d.string()
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadataKey, err)
	}
	return nil
}

func (t *Tensor) read(d *decoder) error {
	begin := d.at()
	var offsets []int64
	err := d.object(func(field string) (err error) {
		switch field {
		case "dtype":
			if t.DType, err = d.string(); err == nil && dtypeBits[t.DType] == 0 {
				err = fmt.Errorf("at byte %d: unknown dtype %q", d.at(), t.DType)
			}
		case "shape":
			t.Shape, err = d.integers()
		case "data_offsets":
			offsets, err = d.integers()
		default:
			return fmt.Errorf("at byte %d: unknown field %q, want dtype, shape or data_offsets", d.at(), field)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case t.DType == "":
		return fmt.Errorf("at byte %d: has no dtype", begin)
	case t.Shape == nil:
		return fmt.Errorf("at byte %d: has no shape", begin)
	case len(offsets) != 2:
		return fmt.Errorf("at byte %d: has %d data_offsets, want 2", begin, len(offsets))
	case offsets[0] > offsets[1]:
		return fmt.Errorf("at byte %d: data_offsets begin at %d, behind their end %d", begin, offsets[0], offsets[1])
	}
	t.Offset, t.Size = offsets[0], offsets[1]-offsets[0]
	return nil
}
