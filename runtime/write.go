package runtime

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// WriteArtifact makes the directory dir from a program, its weights, and files by their path in it ("graph.ir",
// "kernels/attn.cu"). The kernels' IR is added to them as kernels/NAME.kernel. Where dir is an artifact it is replaced; where
// it is anything else but an empty directory, that is an error. A write that fails or is killed leaves dir as it was.
func WriteArtifact(dir string, p *Program, w Weights, files map[string][]byte) error {
	r, err := newReplacement(dir)
	if err != nil {
		return err
	}
	all, err := withKernels(p.Kernels, files)
	if err == nil {
		err = writeInto(r.partial, p, w, all)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", dir, err), r.abandon())
	}
	return r.commit()
}

// WriteData writes the two files of an artifact that running it takes, manifest.json and weights.bin, into a directory that
// has neither. They are what a generated package embeds.
func WriteData(dir string, p *Program, w Weights) error { return writeInto(dir, p, w, nil) }

// writeInto writes a complete artifact into dir, the manifest last.
func writeInto(dir string, p *Program, w Weights, files map[string][]byte) error {
	m := manifest{Program: *p}
	m.Format = Format
	m.Weights = slices.Clone(p.Weights)
	if err := m.Check(); err != nil {
		return err
	}
	if err := m.writeWeights(filepath.Join(dir, weightsName), p.Weights, w); err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := m.writeFile(dir, path, files[path]); err != nil {
			return err
		}
	}
	text, err := m.encode()
	if err != nil {
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	if _, err := parseManifest(text); err != nil { // what cannot be read back is not written
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	if err := create(filepath.Join(dir, manifestName), func(f io.Writer) error {
		_, err := f.Write(text)
		return err
	}); err != nil {
		return err
	}
	return syncTree(dir)
}

// withKernels adds the text of each kernel to files.
func withKernels(kernels []Kernel, files map[string][]byte) (map[string][]byte, error) {
	all := make(map[string][]byte, len(files)+len(kernels))
	for path, b := range files {
		if !isPath(path) || path == manifestName || path == weightsName {
			return nil, fmt.Errorf("file %q: not a path that a file of the artifact can have", path)
		}
		all[path] = b
	}
	for i := range kernels {
		k := &kernels[i]
		path := kernelDir + "/" + k.Name + ".kernel"
		if !isPath(path) {
			return nil, fmt.Errorf("kernel %d: the name %q makes no file name", i, k.Name)
		}
		if _, taken := all[path]; taken { // the same name, another structure
			path = fmt.Sprintf("%s/%s.%d.kernel", kernelDir, k.Name, i)
		}
		all[path] = []byte(k.Text)
	}
	return all, nil
}

// writeFile writes a small file and enters it into the table.
func (m *manifest) writeFile(dir, path string, b []byte) error {
	full := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
		return err
	}
	m.Files = append(m.Files, file{Path: path, Bytes: int64(len(b)), SHA256: hexSum(b)})
	return create(full, func(f io.Writer) error {
		_, err := f.Write(b)
		return err
	})
}

// writeWeights streams one weight after another and fills in their offsets and sums. from are the caller's own tensors.
func (m *manifest) writeWeights(path string, from []Tensor, w Weights) error {
	out := regionWriter{sum: sha256.New()}
	err := create(path, func(f io.Writer) error {
		out.Writer = bufio.NewWriterSize(f, 1<<20)
		for i := range m.Weights {
			t := &m.Weights[i]
			b, err := w.Data(&from[i])
			if err != nil {
				return fmt.Errorf("weight %s: %w", t.Name, err)
			}
			if int64(len(b)) != t.Bytes {
				return fmt.Errorf("weight %s: %d bytes of data, want %d", t.Name, len(b), t.Bytes)
			}
			t.Offset = out.n
			if t.SHA256, err = out.region(b); err != nil {
				return err
			}
		}
		return out.Flush()
	})
	m.Files = append(m.Files, file{Path: weightsName, Bytes: out.n, SHA256: hex.EncodeToString(out.sum.Sum(nil))})
	return err
}

// regionWriter writes weights.bin.
type regionWriter struct {
	*bufio.Writer
	n   int64
	sum hash.Hash // of all of it
}

// region writes b and zeros up to the next region, and returns b's sum.
func (w *regionWriter) region(b []byte) (string, error) {
	sum := sha256.New()
	for part := range slices.Chunk(b, 256<<10) { // small enough to stay in the CPU's cache for both sums
		sum.Write(part)
		w.sum.Write(part)
		if _, err := w.Write(part); err != nil {
			return "", err
		}
	}
	zeros := make([]byte, pad(int64(len(b))))
	w.sum.Write(zeros)
	if _, err := w.Write(zeros); err != nil {
		return "", err
	}
	w.n += int64(len(b) + len(zeros))
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// create writes a file and forces it to the disk.
func create(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
