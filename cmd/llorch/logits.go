package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

type logitsCmd struct {
	Model  string `arg:"" help:"A .gguf file, a Hugging Face folder or a compiled artifact." predictor:"path"`
	IDs    string `name:"ids" required:"" placeholder:"1,2,3" help:"Token ids."`
	Chunk  int    `default:"0" help:"Tokens a step at most; 0 for the model's own."`
	Output string `short:"o" required:"" placeholder:"FILE" help:"Where to write float32 little-endian [ids, vocab]."`
	engineFlags
	activationFlag
}

func (c *logitsCmd) Run(e *env) error {
	ids, err := parseIDs(c.IDs)
	if err == nil && c.Chunk < 0 {
		err = errors.New("--chunk must not be negative")
	}
	if err == nil {
		err = c.engineFlags.check()
	}
	if err != nil {
		return usageError{err}
	}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag, chunk: c.Chunk})
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSession()
	if err != nil {
		return err
	}
	stop := e.busy("computing logits")
	logits, err := s.Logits(e.ctx, ids, min(c.Chunk, m.chunk))
	stop()
	if err != nil {
		return err
	}
	if err := writeFloats(c.Output, logits); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s: float32 [%d, %d]\n", c.Output, len(ids), m.Program.Vocab)
	return nil
}

// writeFloats writes a whole file or none.
func writeFloats(path string, v []float32) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
