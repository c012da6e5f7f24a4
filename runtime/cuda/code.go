package cuda

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/llorch/llorch/runtime/cuda/driver"
)

// Code is a program's kernels, compiled.
type Code struct {
	Cubins map[string][]byte // by architecture: "sm_90"
	PTX    []byte            // which the driver compiles for devices without a cubin
}

// Arch is the architecture of a device: "sm_90".
func Arch(d driver.Driver, device int) (string, error) {
	all, err := d.Devices()
	if err != nil {
		return "", err
	}
	if device >= len(all) {
		return "", fmt.Errorf("cuda: device %d: there are %d", device, len(all))
	}
	return fmt.Sprintf("sm_%d%d", all[device].Major, all[device].Minor), nil
}

// image is the code for a device: a cubin of its major architecture and no newer minor one, the newest; or PTX. Cubins of
// architectures that end in a letter run on exactly that one.
func (c Code) image(d driver.Info) ([]byte, error) {
	best := -1
	var image []byte
	for arch, b := range c.Cubins {
		digits := strings.TrimPrefix(arch, "sm_")
		exact := strings.HasSuffix(digits, "a")
		n, err := strconv.Atoi(strings.TrimRight(digits, "af"))
		if err != nil || n/10 != d.Major || n%10 > d.Minor || exact && n%10 != d.Minor {
			continue
		}
		if n%10 > best || n%10 == best && exact {
			best, image = n%10, b
		}
	}
	switch {
	case image != nil:
		return image, nil
	case c.PTX != nil:
		return c.PTX, nil
	}
	return nil, fmt.Errorf("cuda: %s has compute capability %d.%d, and there are kernels for %s alone: compile with --arch sm_%d%d",
		d.Name, d.Major, d.Minor, strings.Join(slices.Sorted(maps.Keys(c.Cubins)), ", "), d.Major, d.Minor)
}

// pickName is the kernel that chooses the likeliest token.
const pickName = "llorch_pick"

// load finds the functions of the program's kernels.
func (e *Engine) load(code Code) ([]driver.Function, error) {
	image, err := code.image(e.info)
	if err != nil {
		return nil, err
	}
	m, err := e.ctx.LoadModule(image)
	if err != nil {
		return nil, err
	}
	fns := make([]driver.Function, len(e.program.Kernels))
	for i := range fns {
		k := &e.program.Kernels[i]
		if k.Threads < 1 || k.Threads > 1024 || k.Shared < 0 || k.Shared > e.info.SharedBlock {
			return nil, fmt.Errorf("kernel %s: blocks of %d threads with %d bytes of shared memory, and %s has up to 1024 with %d",
				k.Name, k.Threads, k.Shared, e.info.Name, e.info.SharedBlock)
		}
		if fns[i], err = e.ctx.Function(m, k.Name, k.Shared); err != nil {
			return nil, err
		}
	}
	e.pick, err = e.ctx.Function(m, pickName, 0)
	return fns, err
}
