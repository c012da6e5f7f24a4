package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/models/mmap"
)

// OpenOptions say what OpenArtifact checks beyond the sizes of all files and the manifest itself.
type OpenOptions struct {
	Target string // the target that the artifact must be for; "" allows any
	Verify bool   // read every file and compare its SHA-256
}

// Artifact is an open artifact: a program, and its weights in memory.
type Artifact struct {
	Program *Program
	dir     string
	files   []file
	weights []byte
	mapped  *mmap.File // that weights are; nil when they are the caller's
	closed  bool
}

// IsArtifact reports whether dir looks like an artifact, complete or not: whether it has a manifest.
func IsArtifact(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, manifestName))
	return err == nil && info.Mode().IsRegular()
}

// OpenArtifact checks the artifact in dir and maps its weights. Every error names the file it is about.
func OpenArtifact(dir string, opt OpenOptions) (*Artifact, error) {
	b, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, manifestName)
	m, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.checkTarget(path, opt.Target); err != nil {
		return nil, err
	}
	for i := range m.Files {
		if err := m.Files[i].checkSize(dir); err != nil {
			return nil, err
		}
	}
	if opt.Verify {
		if err := m.verify(dir); err != nil {
			return nil, err
		}
	}
	a := &Artifact{Program: &m.Program, dir: dir, files: m.Files}
	if a.mapped, err = mmap.Open(filepath.Join(dir, weightsName)); err != nil {
		return nil, err
	}
	a.weights = a.mapped.Data()
	if err := m.checkLength(filepath.Join(dir, weightsName), a.weights); err != nil { // it changed since
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// checkTarget compares the target with the one that is wanted, if any is.
func (m *manifest) checkTarget(path, want string) error {
	if want != "" && m.Target != want {
		return fmt.Errorf("%s: compiled for target %s, want %s: compile the model for %[3]s", path, m.Target, want)
	}
	return nil
}

// checkLength compares what is in memory of weights.bin with the manifest.
func (m *manifest) checkLength(path string, weights []byte) error {
	if got, want := int64(len(weights)), m.file(weightsName).Bytes; got != want {
		return sizeError(path, got, want)
	}
	return nil
}

// Data is the bytes of one of the program's weights, mapped.
func (a *Artifact) Data(t *Tensor) ([]byte, error) {
	if a.closed {
		return nil, fmt.Errorf("weight %s: the artifact %s is closed", t.Name, a.dir)
	}
	b := a.weights
	size := int64(len(b))
	if t.Offset < 0 || t.Bytes < 0 || t.Offset > size || t.Bytes > size-t.Offset {
		return nil, fmt.Errorf("%s: weight %s: %d bytes at %d, the file has %d",
			filepath.Join(a.dir, weightsName), t.Name, t.Bytes, t.Offset, size)
	}
	return b[t.Offset : t.Offset+t.Bytes : t.Offset+t.Bytes], nil
}

// Files are the paths of the other files in the artifact.
func (a *Artifact) Files() []string {
	var paths []string
	for i := range a.files {
		if a.files[i].Path != weightsName {
			paths = append(paths, a.files[i].Path)
		}
	}
	return paths
}

// File reads one of the other files by its path in the artifact, such as "kernels/attn.cu", and checks its SHA-256.
func (a *Artifact) File(path string) ([]byte, error) {
	for i := range a.files {
		f := &a.files[i]
		if f.Path != path || path == weightsName {
			continue
		}
		full := filepath.Join(a.dir, filepath.FromSlash(path))
		if err := f.checkSize(a.dir); err != nil {
			return nil, err
		}
		b, err := os.ReadFile(full)
		if err != nil {
			return nil, err
		}
		return b, sumError(full, hexSum(b), f.SHA256)
	}
	return nil, fmt.Errorf("%s: the artifact has no file %s", a.dir, path)
}

// Close ends the mapping; the bytes of the weights are gone.
func (a *Artifact) Close() error {
	a.closed, a.weights = true, nil
	if a.mapped == nil {
		return nil
	}
	return a.mapped.Close()
}

// readManifest reads manifest.json, whatever it holds.
func readManifest(dir string) ([]byte, error) {
	path := filepath.Join(dir, manifestName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", path, info.Size(), maxManifest)
	}
	return os.ReadFile(path)
}

func (f *file) checkSize(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() != f.Bytes {
		return sizeError(path, info.Size(), f.Bytes)
	}
	return nil
}

func sizeError(path string, got, want int64) error {
	hint := "it was changed"
	if got < want {
		hint = "it was cut off"
	}
	return fmt.Errorf("%s: %d bytes, the manifest says %d: %s", path, got, want, hint)
}

// hexSum is the SHA-256 of b.
func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func sumError(path, got, want string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: sha256 %s, the manifest says %s: it was changed", path, got, want)
}

// verify compares every file with its sum. For weights.bin it says which weight differs.
func (m *manifest) verify(dir string) error {
	for i := range m.Files {
		f := &m.Files[i]
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		got, err := sumRange(path, 0, f.Bytes)
		if err != nil {
			return err
		}
		if got != f.SHA256 && f.Path == weightsName {
			if err := m.verifyWeights(path); err != nil {
				return err
			}
		}
		if err := sumError(path, got, f.SHA256); err != nil {
			return err
		}
	}
	return nil
}

func (m *manifest) verifyWeights(path string) error {
	for i := range m.Weights {
		t := &m.Weights[i]
		got, err := sumRange(path, t.Offset, t.Bytes)
		if err != nil {
			return err
		}
		if err := sumError(fmt.Sprintf("%s: weight %s, %d bytes at %d", path, t.Name, t.Bytes, t.Offset), got, t.SHA256); err != nil {
			return err
		}
	}
	return nil
}

// sumRange is the SHA-256 of n bytes of a file from offset.
func sumRange(path string, offset, n int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, offset, n)); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
