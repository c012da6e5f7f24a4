package gocpu_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/ir/kernel"
)

// interpret runs all groups of a job in the interpreter and returns it with the memory that they wrote.
func interpret(t testing.TB, k *kernel.Kernel, j job) job {
	p, err := kernel.Interpret(k, kernel.Options{Poison: true})
	require.NoError(t, err)
	var ints []int64
	for _, v := range j.Ints {
		ints = append(ints, int64(v))
	}
	out := j
	out.Bufs = nil
	var mem []*kernel.Mem
	for i, b := range j.Bufs {
		out.Bufs = append(out.Bufs, bytes.Clone(b))
		mem = append(mem, &kernel.Mem{DType: kernel.DType(j.DTypes[i]), Data: out.Bufs[i]})
	}
	groups, err := p.Groups(ints)
	require.NoError(t, err)
	scratch, err := p.Scratch(ints)
	require.NoError(t, err)
	for g := range groups {
		require.NoError(t, p.Run(mem, ints, j.Floats, make([]float32, scratch), g))
	}
	return out
}
