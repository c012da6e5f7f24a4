package cuda

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// Code is a program's kernels, compiled.
type Code struct {
	Cubins map[string][]byte // by architecture: "sm_90"
	PTX    []byte            // which the driver compiles for devices without a cubin
}

// Arch is the architecture of a device: "sm_90".
func Arch(d device.Driver, index int) (string, error) {
	all, err := d.Devices()
	if err != nil {
		return "", err
	}
	if index < 0 || index >= len(all) {
		return "", fmt.Errorf("cuda: there is no device %d: the driver sees %d", index, len(all))
	}
	return all[index].Arch, nil
}

// image is the code for a device: a cubin of its major architecture and no newer minor one, the newest; or PTX of no newer
// architecture. Code of architectures that end in a letter runs on exactly that one.
func (c Code) image(d device.Info) ([]byte, error) {
	hasMajor, hasMinor, _ := parseArch(d.Arch)
	best, image := -1, []byte(nil)
	for _, arch := range slices.Sorted(maps.Keys(c.Cubins)) { // sm_90 comes before sm_90a, which is taken instead
		major, minor, exact := parseArch(arch)
		if major != hasMajor || minor > hasMinor || exact && minor != hasMinor || minor < best {
			continue
		}
		best, image = minor, c.Cubins[arch]
	}
	if image != nil {
		return image, nil
	}
	if c.PTX != nil {
		major, minor, exact := parseArch(ptxTarget(c.PTX))
		if has, needs := 10*hasMajor+hasMinor, 10*major+minor; has == needs || has > needs && !exact {
			return c.PTX, nil
		}
	}
	return nil, fmt.Errorf("cuda: %s has compute capability %d.%d, and there is code for %s alone: compile with --arch %s",
		d.Name, hasMajor, hasMinor, c.contents(), d.Arch)
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
