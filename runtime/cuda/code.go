package cuda

import (
	"bytes"
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
	if device < 0 || device >= len(all) {
		return "", fmt.Errorf("cuda: there is no device %d: the driver sees %d", device, len(all))
	}
	return archName(all[device]), nil
}

func archName(d driver.Info) string { return fmt.Sprintf("sm_%d%d", d.Major, d.Minor) }

// image is the code for a device: a cubin of its major architecture and no newer minor one, the newest; or PTX of no newer
// architecture. Code of architectures that end in a letter runs on exactly that one.
func (c Code) image(d driver.Info) ([]byte, error) {
	best, image := -1, []byte(nil)
	for _, arch := range slices.Sorted(maps.Keys(c.Cubins)) { // sm_90 comes before sm_90a, which is taken instead
		major, minor, exact := parseArch(arch)
		if major != d.Major || minor > d.Minor || exact && minor != d.Minor || minor < best {
			continue
		}
		best, image = minor, c.Cubins[arch]
	}
	if image != nil {
		return image, nil
	}
	if c.PTX != nil {
		major, minor, exact := parseArch(ptxTarget(c.PTX))
		if has, needs := 10*d.Major+d.Minor, 10*major+minor; has == needs || has > needs && !exact {
			return c.PTX, nil
		}
	}
	return nil, fmt.Errorf("cuda: %s has compute capability %d.%d, and there is code for %s alone: compile with --arch %s",
		d.Name, d.Major, d.Minor, c.contents(), archName(d))
}

// parseArch reads "sm_90" and "sm_90a"; what it cannot read is no device's.
func parseArch(arch string) (major, minor int, exact bool) {
	digits := strings.TrimRight(strings.TrimPrefix(arch, "sm_"), "af")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1 << 20, 0, false
	}
	return n / 10, n % 10, "sm_"+digits != arch
}

// ptxTarget is the architecture that PTX is for.
func ptxTarget(ptx []byte) string {
	_, rest, _ := bytes.Cut(ptx, []byte("\n.target "))
	end := bytes.IndexFunc(rest, func(r rune) bool { return r == ',' || r <= ' ' })
	return string(rest[:max(end, 0)])
}

// contents says what there is code for.
func (c Code) contents() string {
	list := slices.Sorted(maps.Keys(c.Cubins))
	if c.PTX != nil {
		list = append(list, "PTX of "+ptxTarget(c.PTX))
	}
	if len(list) == 0 {
		return "no device"
	}
	return strings.Join(list, ", ")
}

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
				k.Name, k.Threads, k.Shared, e.device(), e.info.SharedBlock)
		}
		if fns[i], err = e.ctx.Function(m, k.Name, k.Shared); err != nil {
			return nil, err
		}
	}
	for name, fn := range map[string]*driver.Function{pickName: &e.pick, boundName: &e.bound, bestName: &e.best} {
		if *fn, err = e.ctx.Function(m, name, 0); err != nil {
			return nil, err
		}
	}
	return fns, nil
}
