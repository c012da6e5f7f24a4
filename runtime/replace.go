package runtime

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
)

// replacement puts a complete directory in the place of another: the new one is written beside it, under a name that says
// it is partial, and renamed.
type replacement struct {
	dir     string
	partial string
	old     string // where dir goes meanwhile
}

// newReplacement makes the partial directory, or says why dir must not be replaced.
func newReplacement(dir string) (*replacement, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target // the link stays, what it points to is replaced
	}
	if err := replaceable(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return nil, err
	}
	suffix := strings.ToLower(rand.Text()[:8])
	r := &replacement{dir: dir, partial: dir + ".partial-" + suffix, old: dir + ".old-" + suffix}
	if err := os.Mkdir(r.partial, 0o777); err != nil {
		return nil, err
	}
	return r, nil
}

// commit renames the partial directory to its final name.
func (r *replacement) commit() error {
	if err := r.swap(); err != nil {
		return errors.Join(err, r.abandon())
	}
	return errors.Join(syncDir(filepath.Dir(r.dir)), os.RemoveAll(r.old))
}

func (r *replacement) swap() error {
	if err := replaceable(r.dir); err != nil { // again: writing may have taken long
		return err
	}
	err := os.Rename(r.dir, r.old)
	existed := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err = os.Rename(r.partial, r.dir); err != nil && existed {
		err = errors.Join(err, os.Rename(r.old, r.dir))
	}
	return err
}

func (r *replacement) abandon() error { return os.RemoveAll(r.partial) }

// replaceable reports whether dir is absent, empty, or an artifact with nothing in it that its manifest does not list: what
// a user put there is not ours to delete.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s exists and is no directory: %w", dir, err)
	}
	b, err := readManifest(dir)
	if err != nil {
		return fmt.Errorf("%s exists and is no artifact of llorch, so it is not replaced: %w", dir, err)
	}
	var m struct { // of any version
		header
		Files []file `json:"files"`
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Format < 1 || len(m.Files) == 0 {
		return fmt.Errorf("%s exists and is no artifact of llorch, so it is not replaced: %s lists no files", dir, manifestName)
	}
	ours := map[string]bool{manifestName: true}
	for _, f := range m.Files {
		for path := f.Path; path != "."; path = filepath.ToSlash(filepath.Dir(path)) {
			if !isPath(path) {
				break
			}
			ours[path] = true
		}
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err == nil && !ours[filepath.ToSlash(rel)] {
			err = fmt.Errorf("%s is not replaced: it holds %s, which its %s does not list", dir, rel, manifestName)
		}
		return err
	})
}

// syncTree forces the names of all files below dir to the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

func syncDir(dir string) error {
	if goruntime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
