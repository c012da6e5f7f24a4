package driver

import (
	"fmt"
	"sync"

	"github.com/llorch/llorch/runtime/gpu/device"
)

// Load finds the system's CUDA driver: the library that LLORCH_CUDA names, or the one that NVIDIA's driver installs.
func Load() (device.Driver, error) { return load() }

var load = sync.OnceValues(func() (device.Driver, error) {
	a, err := loadAPI()
	if err != nil {
		return nil, err
	}
	return start(a)
})

// start readies a driver for use.
func start(a *api) (device.Driver, error) {
	if err := a.check("cuInit", subject{}, a.init()); err != nil {
		return nil, err
	}
	return system{a}, nil
}

// system implements device.Driver.
type system struct{ api *api }

// Devices implements device.Driver.
func (s system) Devices() ([]device.Info, error) {
	n, r := s.api.deviceCount()
	if err := s.api.check("cuDeviceGetCount", subject{}, r); err != nil {
		return nil, err
	}
	all := make([]device.Info, n)
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
func (s system) device(i int) (dev int32, info device.Info, err error) {
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
	info.Target, info.Index = "cuda", i
	info.Name, r = s.api.deviceName(dev)
	check("cuDeviceGetName", r)
	info.Memory, r = s.api.deviceMemory(dev)
	check("cuDeviceTotalMem", r)
	version, r := s.api.version()
	check("cuDriverGetVersion", r)
	var major, minor int
	for _, a := range []struct {
		attr int32
		dst  *int
	}{{attrSMs, &info.Cores}, {attrMajor, &major}, {attrMinor, &minor}, {attrSharedOptIn, &info.Shared}} {
		*a.dst, r = s.api.deviceAttribute(dev, a.attr)
		check("cuDeviceGetAttribute", r)
	}
	info.Arch = fmt.Sprintf("sm_%d%d", major, minor)
	info.Driver = fmt.Sprintf("CUDA %d.%d", version/1000, version%1000/10)
	info.Overlap = major >= 9 // programmatic dependent launch
	return dev, info, err
}

// Open implements device.Driver.
func (s system) Open(i int) (device.Context, error) {
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
	return &context{api: s.api, dev: dev, info: info, handle: handle, names: map[device.Graph]string{}}, nil
}
