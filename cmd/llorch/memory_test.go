package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime"
)

func TestFitsHost(t *testing.T) {
	p := &runtime.Program{
		Context: 64, Weights: []runtime.Tensor{{Bytes: 3 << 30}}, States: []runtime.StateBuffer{{Bytes: 1 << 30}},
		Steps: []runtime.Step{{Arena: 1 << 20}},
	}
	require.NoError(t, fitsHost(p, false, 5<<30))
	require.NoError(t, fitsHost(p, false, -1), "where nothing is known")
	require.NoError(t, fitsHost(p, true, 2<<30), "a mapped file can be read again")
	require.EqualError(t, fitsHost(p, false, 7<<29),
		"it needs 4.0 GiB (weights 3.0 GiB, kv cache of 64 tokens 1.0 GiB, arena 1.0 MiB), and 3.5 GiB of memory is free: a context of 31 tokens would fit (--ctx)")
	require.ErrorContains(t, fitsHost(p, false, 1<<30), "no context would fit")
}
