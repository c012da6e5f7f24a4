package runtime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Format is the version of the artifacts that this package writes and reads.
const Format = 1

// Names of an artifact's own files.
const (
	manifestName = "manifest.json"
	weightsName  = "weights.bin"
	kernelDir    = "kernels"
)

// pageSize aligns the regions of weights.bin and its length: a multiple of every system's pages.
const pageSize = 64 << 10

// maxManifest bounds what is read into memory; a vocabulary of 200,000 pieces takes 15 MB.
const maxManifest = 256 << 20

// manifest is the content of manifest.json. Its sum is the SHA-256 of the file's bytes without the 64 digits themselves,
// and the file begins with sumPrefix, which is where they are.
type manifest struct {
	Sum string `json:"sum"`
	Program
	Files []file `json:"files"`
}

// file is a row of the table of files: all but the manifest, by path with slashes.
type file struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	sumPrefix = "{\n\t\"sum\": \""
	sumDigits = 2 * sha256.Size
)

// encode is the text of the manifest with its sum filled in.
func (m *manifest) encode() ([]byte, error) {
	m.Sum = ""
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false) // kernels and pieces are full of < and &
	e.SetIndent("", "\t")
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	b := buf.Bytes()
	sum := sha256.Sum256(b)
	head, rest := b[:len(sumPrefix)], b[len(sumPrefix):]
	return fmt.Appendf(nil, "%s%x%s", head, sum, rest), nil
}

// parseManifest is the inverse of encode. The order matters: text that is no JSON is cut off or something else; what another
// version wrote may differ in any respect but its version; only then is a wrong sum an edit, and an unknown field an error.
func parseManifest(b []byte) (*manifest, error) {
	head, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if head.Format < 1 {
		return nil, fmt.Errorf("format %d, want %d: this is no manifest of llorch", head.Format, Format)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("format %d, made by llorch %q; this llorch reads format %d: compile the model again, or use the llorch that made it",
			head.Format, head.Compiler, Format)
	}
	if err := checkSum(b); err != nil {
		return nil, err
	}
	m := new(manifest)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, placed(b, err)
	}
	if err := m.checkFiles(); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, m.checkRegions()
}

// header is what every version of a manifest has.
type header struct {
	Format   int    `json:"format"`
	Compiler string `json:"compiler"`
}

func parseHeader(b []byte) (header, error) {
	var h header
	err := json.Unmarshal(b, &h)
	return h, placed(b, err)
}

// placed adds the line of a JSON error.
func placed(b []byte, err error) error {
	var at int64
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case len(b) == 0:
		return errors.New("the file is empty")
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &typ):
		at = typ.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		at = int64(len(b))
	default:
		return err
	}
	line := 1 + bytes.Count(b[:min(at, int64(len(b)))], []byte("\n"))
	return fmt.Errorf("line %d, byte %d of %d: %w", line, at, len(b), err)
}

func checkSum(b []byte) error {
	rest, ok := bytes.CutPrefix(b, []byte(sumPrefix))
	if !ok || len(rest) < sumDigits || !isSHA256(string(rest[:sumDigits])) {
		return fmt.Errorf("does not begin with its sum, %d hexadecimal digits in the field \"sum\": it was edited", sumDigits)
	}
	h := sha256.New()
	h.Write(b[:len(sumPrefix)])
	h.Write(rest[sumDigits:])
	want, got := string(rest[:sumDigits]), hex.EncodeToString(h.Sum(nil))
	if got != want {
		return fmt.Errorf("sum %s, the content has %s: it was edited", want, got)
	}
	return nil
}

func isSHA256(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == sumDigits
}

// checkFiles looks at the table alone, not at the files.
func (m *manifest) checkFiles() error {
	seen := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		switch {
		case !isPath(f.Path) || f.Path == manifestName:
			return fmt.Errorf("file %q: not a path of a file in the artifact", f.Path)
		case seen[f.Path]:
			return fmt.Errorf("file %s: listed twice", f.Path)
		case f.Bytes < 0:
			return fmt.Errorf("file %s: %d bytes", f.Path, f.Bytes)
		case !isSHA256(f.SHA256):
			return fmt.Errorf("file %s: sha256 %q is not %d hexadecimal digits", f.Path, f.SHA256, sumDigits)
		}
		seen[f.Path] = true
	}
	if !seen[weightsName] {
		return fmt.Errorf("file %s: not listed", weightsName)
	}
	return nil
}

// isPath reports whether path names a file inside the artifact, in one way only and on every system.
func isPath(path string) bool {
	return filepath.IsLocal(filepath.FromSlash(path)) && path != "." && path == filepath.ToSlash(filepath.Clean(path)) &&
		!strings.ContainsAny(path, `\:`)
}

func (m *manifest) file(path string) *file {
	for i := range m.Files {
		if m.Files[i].Path == path {
			return &m.Files[i]
		}
	}
	return nil
}
