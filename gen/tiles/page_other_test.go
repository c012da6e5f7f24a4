//go:build !linux

package tiles

import "testing"

// pageEnd is memory of just the size asked for.
type pageEnd struct{}

func newPageEnd(*testing.T) pageEnd { return pageEnd{} }

func (pageEnd) bytes(n int) []byte     { return make([]byte, n) }
func (pageEnd) floats(n int) []float32 { return make([]float32, n) }

func bigBytes(_ testing.TB, n int) []byte { return make([]byte, n) }
