package verify

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Number is a float64 that JSON can hold: what is no finite number is a string.
type Number float64

func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return json.Marshal(fmt.Sprint(f))
	}
	return json.Marshal(float64(n))
}

// Report is what is found of a target.
type Report struct {
	Model    string    `json:"model"`
	Target   string    `json:"target"`
	Device   string    `json:"device"`
	Compiler string    `json:"compiler"` // llorch's version
	Prompt   []int32   `json:"prompt"`
	Passed   bool      `json:"passed"`
	Compared int       `json:"compared"` // values
	First    *Finding  `json:"first,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // all, in the order in which they ran
	Layers   []Layer   `json:"layers"`
	Steps    []Step    `json:"steps"`
	Kernels  []Kernel  `json:"kernels"`
	Nodes    []Node    `json:"nodes"`
	Sessions []Session `json:"sessions"`
}

// What a finding is of.
const (
	OfKernel = "kernel" // a value that a kernel left in memory
	OfEngine = "engine" // a launch that failed
	OfPasses = "passes" // a node of the graph that passes made
	OfLogits = "logits" // the logits, of which no kernel's part is too far off
)

// Finding is something over its tolerance.
type Finding struct {
	Of       string   `json:"of"`
	Step     string   `json:"step"`            // "prefill of 6 tokens"
	Layer    string   `json:"layer,omitempty"` // "layers.3"
	Node     string   `json:"node"`
	Op       string   `json:"op,omitempty"`
	Declared string   `json:"declared,omitempty"` // models/llama.go:136
	Type     string   `json:"type,omitempty"`     // with the step's sizes
	Operands []string `json:"operands,omitempty"`
	Place
	Before    []Place `json:"before,omitempty"` // kernels that left parts of the value to this one
	Launch    int     `json:"launch"`
	Error     Number  `json:"error"`
	Abs       Number  `json:"abs"`
	Tolerance Number  `json:"tolerance"`
	Element   string  `json:"element,omitempty"` // q=3, heads=17
	Got       Number  `json:"got"`
	Want      Number  `json:"want"`
	Message   string  `json:"message,omitempty"` // of an engine
}

// Node is a value that a launch left in memory.
type Node struct {
	Step      string `json:"step"`
	Name      string `json:"name"`
	Kernel    string `json:"kernel"`
	Error     Number `json:"error"` // from what it was computed from
	Abs       Number `json:"abs"`
	Tolerance Number `json:"tolerance"`
	Total     Number `json:"total"`   // against the model's own graph; negative where that has no such node
	Micros    Number `json:"time_us"` // of the launch
}

// Layer has the worst errors of a layer's nodes, in all steps.
type Layer struct {
	Name  string `json:"name"` // "" of what is in none
	Error Number `json:"error"`
	Of    string `json:"of"` // the node
	Step  string `json:"step"`
	Total Number `json:"total"`
}

// Step is a step that was run, with its worst node and its logits.
type Step struct {
	Name      string `json:"name"`
	Error     Number `json:"error"`
	Of        string `json:"of"`
	Logits    Number `json:"logits"` // relative error against the model's own graph
	LogitsAbs Number `json:"logits_abs"`
	Tolerance Number `json:"tolerance"` // of the logits
	Micros    Number `json:"time_us"`   // in kernels
}

// Kernel sums up the launches of a kernel.
type Kernel struct {
	Name     string   `json:"name"`
	Steps    []string `json:"steps"` // that launch it
	Launches int      `json:"launches"`
	Micros   Number   `json:"time_us"` // of a launch, the median
	Error    Number   `json:"error"`
	Of       string   `json:"of"`
	times    []time.Duration
}

// Session is a way to use sessions that must change nothing.
type Session struct {
	Name      string  `json:"name"`
	Passed    bool    `json:"passed"`
	Error     Number  `json:"error"` // of logits; 0 where ids are compared
	Tolerance Number  `json:"tolerance"`
	Note      string  `json:"note,omitempty"`
	IDs       []int32 `json:"ids,omitempty"`
}
