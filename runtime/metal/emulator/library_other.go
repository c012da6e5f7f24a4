//go:build !linux && !darwin

package emulator

import "errors"

// library is nothing here: Find has said so before.
type library struct{}

var errNoLibrary = errors.New("no libraries can be loaded here")

func openLibrary(string, bool) (library, error)         { return library{}, errNoLibrary }
func (library) address(string) (uintptr, error)         { return 0, errNoLibrary }
func (library) function(name string, f any) (err error) { return errNoLibrary }
