package main

import (
	"os"
	"slices"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/gpu"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal"
)

// metalEngine runs kernels on a Mac's GPU, or in the emulator, which watches every access of theirs.
func metalEngine(j engineJob) (runtime.Engine, error) {
	d, err := metalDriver(j.flags.Emulate)
	if err != nil {
		return nil, err
	}
	image, err := metalCode(j)
	if err != nil {
		return nil, err
	}
	code := func(device.Info) ([]byte, error) { return image, nil }
	return gpu.New(j.program, j.weights, code, d, gpu.Options{
		Device: value(j.flags.Device), Profile: j.profile, Block: os.Getenv("LLORCH_METAL_BLOCKING") != "",
	})
}

func metalDriver(emulate bool) (device.Driver, error) {
	if emulate {
		return metal.Emulated(metal.EmulateOptions{Checked: true})
	}
	return metal.Load()
}

// metalCode is the library that a Mac compiled, or the source, which the driver compiles and the emulator wants.
func metalCode(j engineJob) ([]byte, error) {
	name := codegen.MetalSource
	if j.artifact == nil {
		files, err := j.compiled.Files(nil)
		if files[codegen.MetalLibrary] != nil && !j.flags.Emulate {
			name = codegen.MetalLibrary
		}
		return files[name], err
	}
	if library := "kernels/" + codegen.MetalLibrary; slices.Contains(j.artifact.Files(), library) && !j.flags.Emulate {
		return j.artifact.File(library)
	}
	return j.artifact.File("kernels/" + name)
}
