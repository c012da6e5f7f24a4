//go:build !cu

package driver

import (
	"fmt"
	"unsafe"
)

// Attributes of devices and functions, as cuda.h numbers them.
const (
	attrSMs         = 16
	attrMajor       = 75
	attrMinor       = 76
	attrSharedOptIn = 97

	funcSharedBytes    = 8
	funcSharedCarveout = 9
)

// Devices implements Driver.
func (l *library) Devices() ([]Info, error) {
	var n int32
	if err := l.check("", cuDeviceGetCount, uintptr(unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	var all []Info
	for i := range int(n) {
		_, info, err := l.device(i)
		if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	return all, nil
}

func (l *library) device(i int) (dev int32, info Info, err error) {
	what := fmt.Sprintf("device %d", i)
	if err := l.check(what, cuDeviceGet, uintptr(unsafe.Pointer(&dev)), uintptr(i)); err != nil {
		return 0, info, err
	}
	info.Index = i
	name := make([]byte, 256)
	if err := l.check(what, cuDeviceGetName, uintptr(unsafe.Pointer(&name[0])), 256, uintptr(dev)); err != nil {
		return 0, info, err
	}
	info.Name = cString(&name[0])
	var bytes uint64
	if err := l.check(what, cuDeviceTotalMem, uintptr(unsafe.Pointer(&bytes)), uintptr(dev)); err != nil {
		return 0, info, err
	}
	info.Memory = int64(bytes)
	var version int32
	if err := l.check(what, cuDriverGetVersion, uintptr(unsafe.Pointer(&version))); err != nil {
		return 0, info, err
	}
	info.Driver = int(version)
	for _, a := range []struct {
		attr int
		dst  *int
	}{{attrSMs, &info.SMs}, {attrMajor, &info.Major}, {attrMinor, &info.Minor}, {attrSharedOptIn, &info.SharedBlock}} {
		var v int32
		if err := l.check(what, cuDeviceGetAttribute, uintptr(unsafe.Pointer(&v)), uintptr(a.attr), uintptr(dev)); err != nil {
			return 0, info, err
		}
		*a.dst = int(v)
	}
	return dev, info, nil
}

// Open implements Driver.
func (l *library) Open(i int) (Context, error) {
	all, err := l.Devices()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= len(all) {
		return nil, fmt.Errorf("cuda: device %d: there are %d", i, len(all))
	}
	dev, info, err := l.device(i)
	if err != nil {
		return nil, err
	}
	c := &context{library: l, dev: dev, info: info}
	if err := l.check(info.Name, cuDevicePrimaryCtxRetain, uintptr(unsafe.Pointer(&c.handle)), uintptr(dev)); err != nil {
		return nil, err
	}
	return c, nil
}
