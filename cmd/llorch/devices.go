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
