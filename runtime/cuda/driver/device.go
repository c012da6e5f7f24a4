package driver

import (
	"fmt"
	"sync"
)

// Load finds the system's CUDA driver: the library that LLORCH_CUDA names, or the one that NVIDIA's driver installs.
func Load() (Driver, error) { return load() }

var load = sync.OnceValues(func() (Driver, error) {
	a, err := loadAPI()
	if err != nil {
		return nil, err
	}
	return start(a)
})

// start readies a driver for use.
func start(a *api) (Driver, error) {
	if err := a.check("cuInit", subject{}, a.init()); err != nil {
		return nil, err
	}
	return system{a}, nil
}

// system implements Driver.
type system struct{ api *api }

// Devices implements Driver.
func (s system) Devices() ([]Info, error) {
	n, r := s.api.deviceCount()
	if err := s.api.check("cuDeviceGetCount", subject{}, r); err != nil {
		return nil, err
	}
	all := make([]Info, n)
	for i := range all {
		var err error
		if _, all[i], err = s.device(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Attributes of devices, as cuda.h numbers them.
const (
	attrSMs         = 16
	attrMajor       = 75
	attrMinor       = 76
	attrSharedOptIn = 97
)

// device is a device's handle, and what is known of it.
func (s system) device(i int) (dev int32, info Info, err error) {
	about := subject{text: fmt.Sprintf("device %d", i)}
	check := func(call string, r result) {
		if err == nil {
			err = s.api.check(call, about, r)
		}
	}
	dev, r := s.api.device(i)
	if check("cuDeviceGet", r); err != nil {
		return 0, info, err
	}
	info.Index = i
	info.Name, r = s.api.deviceName(dev)
	check("cuDeviceGetName", r)
	info.Memory, r = s.api.deviceMemory(dev)
	check("cuDeviceTotalMem", r)
	info.Driver, r = s.api.version()
	check("cuDriverGetVersion", r)
	for _, a := range []struct {
		attr int32
		dst  *int
	}{{attrSMs, &info.SMs}, {attrMajor, &info.Major}, {attrMinor, &info.Minor}, {attrSharedOptIn, &info.SharedBlock}} {
		*a.dst, r = s.api.deviceAttribute(dev, a.attr)
		check("cuDeviceGetAttribute", r)
	}
	return dev, info, err
}

// Open implements Driver.
func (s system) Open(i int) (Context, error) {
	n, r := s.api.deviceCount()
	if err := s.api.check("cuDeviceGetCount", subject{}, r); err != nil {
		return nil, err
	}
	if i < 0 || i >= n {
		return nil, fmt.Errorf("cuda: there is no device %d: the driver sees %d", i, n)
	}
	dev, info, err := s.device(i)
	if err != nil {
		return nil, err
	}
	handle, r := s.api.retain(dev)
	if err := s.api.check("cuDevicePrimaryCtxRetain", subject{text: fmt.Sprintf("device %d, %s", i, info.Name)}, r); err != nil {
		return nil, err
	}
	return &context{api: s.api, dev: dev, info: info, handle: handle, names: map[Graph]string{}}, nil
}
