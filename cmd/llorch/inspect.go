package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/runtime"
)

type inspectCmd struct {
	Path   string `arg:"" optional:"" help:"A .gguf or .safetensors file, a Hugging Face folder or a compiled artifact." predictor:"path"`
	Memory bool   `help:"Compute the memory that a model or an artifact needs, to the byte."`
	Target string `placeholder:"NAME" help:"With --memory: the target to compile a model for; cpu unless given."`
	contextFlag
	Devices bool `help:"List the GPUs that models can be run on."`
	JSON    bool `name:"json" help:"Print JSON."`
}

// inspection is what is in a model or an artifact.
type inspection struct {
	Path     string              `json:"path"`
	Kind     string              `json:"kind"`
	Metadata []models.Property   `json:"metadata"`
	Tensors  []models.TensorInfo `json:"tensors"`
	Memory   *runtime.Memory     `json:"memory,omitempty"`
	Steps    []stepInfo          `json:"steps,omitempty"`
}

type stepInfo struct {
	Name     string `json:"name"`
	Launches int    `json:"launches"`
	Arena    int64  `json:"arena"`
}

func (c *inspectCmd) Run(e *env) error {
	switch err := c.contextFlag.check(); {
	case err != nil:
		return usageError{err}
	case (c.Ctx != 0 || c.Target != "") && !c.Memory:
		return usageError{errors.New("--ctx and --target go with --memory")}
	case c.Memory && c.Devices:
		return usageError{errors.New("--memory is of a model, and --devices lists GPUs: give one of the two")}
	case c.Memory:
		return c.footprint(e)
	case c.Devices && c.Path != "":
		return usageError{errors.New("--devices lists GPUs, and a path names a model: give one of the two")}
	case c.Devices:
		return c.devices(e)
	case c.Path == "":
		return usageError{errors.New("give a model or an artifact, or --devices")}
	}
	in, err := inspect(c.Path)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		return enc.Encode(in)
	}
	return in.table(e.stdout)
}

func inspect(path string) (*inspection, error) {
	if runtime.IsArtifact(path) {
		return inspectArtifact(path)
	}
	i, err := models.Inspect(path)
	if err != nil {
		return nil, err
	}
	return &inspection{Path: path, Kind: i.Kind, Metadata: i.Metadata, Tensors: i.Tensors}, nil
}

func inspectArtifact(dir string) (*inspection, error) {
	a, err := runtime.OpenArtifact(dir, runtime.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	p := a.Program
	m := p.Memory()
	in := &inspection{Path: dir, Kind: "artifact", Memory: &m}
	add := func(key string, v any) {
		in.Metadata = append(in.Metadata, models.Property{Key: key, Value: fmt.Sprint(v)})
	}
	add("format", p.Format)
	add("compiler", p.Compiler)
	add("target", p.Target)
	add("model", p.Model)
	add("architecture", p.Arch)
	add("context", p.Context)
	add("vocabulary", p.Vocab)
	add("chunk", p.Chunk)
	add("kernels", len(p.Kernels))
	if len(p.States) > 0 {
		add("kv cache", fmt.Sprintf("%s, %s", p.States[0].DType, size(m.KV)))
	}
	for _, s := range p.Steps {
		in.Steps = append(in.Steps, stepInfo{s.Name, len(s.Launches), s.Arena})
	}
	for _, t := range p.Weights {
		in.Tensors = append(in.Tensors, models.TensorInfo{Name: t.Name, DType: t.DType, Shape: t.Shape, Bytes: t.Bytes})
	}
	return in, nil
}

func (in *inspection) table(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s\n", in.Path, in.Kind)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range in.Metadata {
		fmt.Fprintf(tw, "  %s\t%s\n", p.Key, p.Value)
	}
	for _, s := range in.Steps {
		fmt.Fprintf(tw, "  step %s\t%d kernel launches, arena %s\n", s.Name, s.Launches, size(s.Arena))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	total := int64(0)
	fmt.Fprintf(tw, "tensor\ttype\tshape\tbytes\n")
	for _, t := range in.Tensors {
		total += t.Bytes
		fmt.Fprintf(tw, "%s\t%s\t%v\t%d\n", t.Name, t.DType, t.Shape, t.Bytes)
	}
	fmt.Fprintf(tw, "%d tensors\t\t\t%d\n", len(in.Tensors), total)
	return tw.Flush()
}
