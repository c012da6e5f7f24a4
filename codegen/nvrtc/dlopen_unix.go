//go:build !windows

package nvrtc

import "github.com/ebitengine/purego"

func dlopen(path string) (uintptr, error) { return purego.Dlopen(path, purego.RTLD_NOW) }

func dlsym(h uintptr, name string) (uintptr, error) { return purego.Dlsym(h, name) }
