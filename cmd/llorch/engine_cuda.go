package main

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cuda"
	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
)

// cudaEngine compiles the kernels of a model for the device at hand; an artifact has them compiled.
func cudaEngine(j engineJob) (runtime.Engine, error) {
	d, err := driver.Load()
	if err != nil {
		return nil, err
	}
	index := value(j.flags.Device)
	code, err := cudaCode(d, index, j)
	if err != nil {
		return nil, err
	}
	return cuda.New(j.program, j.weights, code, d, gpu.Options{Device: index, Profile: j.profile})
}

// archsAtHand is the architecture of the device that a model is compiled for in memory. Where there is no device, the engine says why.
func archsAtHand(target string, f *deviceFlags) []string {
	if target != "cuda" {
		return nil
	}
	d, err := driver.Load()
	if err != nil {
		return nil
	}
	arch, err := cuda.Arch(d, value(f.Device))
	if err != nil {
		return nil
	}
	return []string{arch}
}

// cudaCode is the binaries of an artifact, or what is compiled for the device: a model, or an artifact that has sources alone.
func cudaCode(d device.Driver, index int, j engineJob) (cuda.Code, error) {
	if j.artifact != nil {
		code, err := binaries(j.artifact.Files(), j.artifact.File)
		if err != nil || len(code.Cubins) > 0 || code.PTX != nil {
			return code, err
		}
	}
	arch, err := cuda.Arch(d, index)
	if err != nil {
		return cuda.Code{}, err
	}
	var files map[string][]byte
	if j.artifact == nil {
		files, err = j.compiled.Files([]string{arch})
	} else {
		var src []byte
		if src, err = j.artifact.File("kernels/" + codegen.CUDASource); err == nil {
			files, err = codegen.BuildCUDA(map[string][]byte{codegen.CUDASource: src}, []string{arch})
		}
	}
	if err != nil {
		return cuda.Code{}, err
	}
	return binaries(slices.Sorted(maps.Keys(files)), func(name string) ([]byte, error) { return files[name], nil })
}

// binaries finds compiled kernels by their names.
func binaries(names []string, read func(name string) ([]byte, error)) (cuda.Code, error) {
	code := cuda.Code{Cubins: map[string][]byte{}}
	for _, name := range names {
		base := path.Base(name)
		arch, cubin := strings.CutSuffix(strings.TrimPrefix(base, "kernels."), ".cubin")
		if !cubin && base != "kernels.ptx" {
			continue
		}
		b, err := read(name)
		if err != nil {
			return code, err
		}
		if cubin {
			code.Cubins[arch] = b
		} else {
			code.PTX = b
		}
	}
	return code, nil
}
