package emulator

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// cache keeps libraries in a folder, each with its hash at its end, so that a file that was cut short is never loaded.
type cache struct {
	folder func() (string, error)
	builds sync.Map // a *sync.Mutex by path, as a second build of the same would be for nothing
}

// newCache is in the user's cache folder, or, where that cannot be written, in a temporary folder of this process.
func newCache() *cache {
	return &cache{folder: sync.OnceValues(func() (string, error) {
		if base, err := os.UserCacheDir(); err == nil {
			dir := filepath.Join(base, "llorch", "emulator")
			if writable(dir) {
				return dir, nil
			}
		}
		return os.MkdirTemp("", "llorch-emulator-")
	})}
}

func writable(dir string) bool {
	if os.MkdirAll(dir, 0o755) != nil {
		return false
	}
	f, err := os.CreateTemp(dir, "try-")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// file is the path of the library of a name and key, which build writes if it is not there, or damaged.
func (c *cache) file(name, key string, build func(out string) error) (string, error) {
	dir, err := c.folder()
	if err != nil {
		return "", fmt.Errorf("metal emulator: no folder for compiled kernels: %w", err)
	}
	lib := filepath.Join(dir, name+key+".so")
	mu, _ := c.builds.LoadOrStore(lib, new(sync.Mutex))
	mu.(*sync.Mutex).Lock()
	defer mu.(*sync.Mutex).Unlock()
	if intact(lib) {
		return lib, nil
	}
	// Other processes may be at it too: build aside, then rename.
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "lib.so")
	if err := build(out); err != nil {
		return "", err
	}
	if err := seal(out); err != nil {
		return "", err
	}
	return lib, os.Rename(out, lib)
}

// seal appends a file's hash to it; what follows an ELF file's sections is ignored.
func seal(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(sum[:])
	return errors.Join(err, f.Close())
}

func intact(file string) bool {
	data, err := os.ReadFile(file)
	n := len(data) - sha256.Size
	if err != nil || n <= 0 {
		return false
	}
	sum := sha256.Sum256(data[:n])
	return bytes.Equal(sum[:], data[n:])
}
