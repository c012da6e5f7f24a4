package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/llorch/llorch/runtime/cuda/driver"
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
	d, err := driver.Load()
	if err != nil {
		return err
	}
	all, err := d.Devices()
	if err != nil {
		return err
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
