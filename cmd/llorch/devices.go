package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/llorch/llorch/runtime/cuda/driver"
	"github.com/llorch/llorch/runtime/gpu/device"
	"github.com/llorch/llorch/runtime/metal"
)

// drivers finds the drivers of targets that need one.
var drivers = map[string]func(f *deviceFlags) (device.Driver, error){
	"cuda":  func(*deviceFlags) (device.Driver, error) { return driver.Load() },
	"metal": func(f *deviceFlags) (device.Driver, error) { return metalDriver(f.Emulate) },
}

// present says why there is no device to run a target on, for those who would find out late.
func (f *deviceFlags) present(target string) error {
	if drivers[target] == nil {
		return nil
	}
	d, err := drivers[target](f)
	if err != nil {
		return err
	}
	all, err := d.Devices()
	if err == nil && value(f.Device) >= len(all) {
		err = fmt.Errorf("%s: there is no device %d: there are %d", target, value(f.Device), len(all))
	}
	return err
}

// deviceInfo is a GPU as --devices lists it.
type deviceInfo struct {
	Target string `json:"target"`
	Index  int    `json:"index"`
	Name   string `json:"name"`
	Arch   string `json:"arch"`
	Cores  int    `json:"cores"` // multiprocessors; 0 where the driver does not tell
	Memory int64  `json:"memory"`
	Driver string `json:"driver"`
}

// devices lists the GPUs. Without a driver there are none, which is an error: whoever asks wants to know why.
func (c *inspectCmd) devices(e *env) error {
	var all []device.Info
	var errs []error
	for _, load := range []func() (device.Driver, error){driver.Load, metal.Load} {
		d, err := load()
		if err == nil {
			var some []device.Info
			some, err = d.Devices()
			all = append(all, some...)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(all) == 0 {
		return errors.Join(errs...)
	}
	list := []deviceInfo{}
	for _, i := range all {
		list = append(list, deviceInfo{i.Target, i.Index, i.Name, i.Arch, i.Cores, i.Memory, i.Driver})
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", " ")
		return enc.Encode(list)
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "target\tdevice\tname\tarch\tcores\tmemory\tdriver\n")
	for _, i := range list {
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%d\t%s\t%s\n", i.Target, i.Index, i.Name, i.Arch, i.Cores, size(i.Memory), i.Driver)
	}
	return tw.Flush()
}
