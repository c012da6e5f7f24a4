//go:build linux || darwin

package emulator

import "github.com/ebitengine/purego"

type library uintptr

// openLibrary loads a library; what is global others find their functions in.
func openLibrary(file string, global bool) (library, error) {
	mode := purego.RTLD_NOW | purego.RTLD_LOCAL
	if global {
		mode = purego.RTLD_NOW | purego.RTLD_GLOBAL
	}
	h, err := purego.Dlopen(file, mode)
	return library(h), err
}

func (l library) address(name string) (uintptr, error) { return purego.Dlsym(uintptr(l), name) }

// function sets *f to the function of a name.
func (l library) function(name string, f any) error {
	at, err := l.address(name)
	if err != nil {
		return err
	}
	purego.RegisterFunc(f, at)
	return nil
}
