package gguf

import (
	"encoding/binary"
	"fmt"
)

// reader walks a file's bytes; every read is checked against what remains. Its errors say what was read and at which
// byte; callers add the key or tensor and the file.
type reader struct {
	data []byte
	pos  int64
}

func (r *reader) remain() uint64 { return uint64(int64(len(r.data)) - r.pos) }

// take returns the next n bytes, still part of the file.
func (r *reader) take(n uint64, what string) ([]byte, error) {
	if n > r.remain() {
		return nil, fmt.Errorf("%s at byte %d: takes %d bytes, %d remain", what, r.pos, n, r.remain())
	}
	b := r.data[r.pos : r.pos+int64(n)]
	r.pos += int64(n)
	return b, nil
}

func (r *reader) u32(what string) (uint32, error) {
	b, err := r.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) u64(what string) (uint64, error) {
	b, err := r.take(8, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// str returns the bytes of a string: its length in 8 bytes, then itself.
func (r *reader) str(what string) ([]byte, error) {
	at := r.pos
	n, err := r.u64(what)
	if err != nil {
		return nil, err
	}
	if n > r.remain() {
		return nil, fmt.Errorf("%s at byte %d: a string of %d bytes, %d remain", what, at, n, r.remain())
	}
	return r.take(n, what)
}
