package runtime

import "time"

// Watched is an engine whose launches can be looked at as they run.
type Watched interface {
	Engine

	// Watch has see called after each launch of the steps that follow: launches then run one after another, in no graph and without
	// overlap, and memory is as the launch left it. An error of see ends the step. nil ends the watch.
	Watch(see func(Launched) error)
}

// Launched is a launch that has just run.
type Launched struct {
	Step  string
	Index int           // among the step's launches
	Time  time.Duration // that the launch took, by the device's clock where it has one
	// Read copies memory as the launch left it, of the arena, a weight or the states of the step's cache: Bytes bytes from Offset on,
	// or all of a weight or state where Bytes is 0. It may be called until see returns.
	Read func(r Ref) ([]byte, error)
}
