package runtime

import (
	"context"

	"github.com/llorch/llorch/runtime/sample"
)

// Engine executes a program's steps on a device. It is not safe for concurrent use.
type Engine interface {
	// NewCache makes the KV memory of one sequence, holding nothing.
	NewCache() (Cache, error)

	// Step runs the named specialisation on tokens, which follow the past tokens that c holds, and appends their keys and
	// values behind them. The result is the logits: [vocab], or [len(tokens), vocab] from Logits; they are valid until the
	// next Step. When ctx is cancelled or a kernel fails the cache's first past positions are unchanged.
	Step(ctx context.Context, step string, c Cache, past int, tokens []int32) ([]float32, error)

	// Close stops the device's workers.
	Close() error
}

// GreedyEngine is an engine that can take the likeliest token of a decode step itself and go on with it, so that no step waits for
// the host.
type GreedyEngine interface {
	Engine

	// Greedy runs a decode step of token behind past tokens, then of the likeliest token each time, n steps in all, and yields what
	// each step chose: the lowest id among the likeliest. It ends early when yield returns false or ctx is cancelled. made is the
	// number of steps whose choice it yielded; others may have written behind their positions.
	Greedy(ctx context.Context, c Cache, token int32, past, n int, yield func(id int32) bool) (made int, err error)
}

// CandidateEngine is an engine that finds the likeliest tokens itself, so that the host need not see all logits.
type CandidateEngine interface {
	Engine

	// Candidates runs a decode step of token behind past tokens of c, and returns the likeliest tokens to follow, the best first and
	// by id among equals, with the logarithm of the sum of the exponentials of all logits. All says that no other token may follow.
	Candidates(ctx context.Context, c Cache, past int, token int32) (best []sample.Candidate, logSumExp float64, all bool, err error)
	// Row is all logits of that step, if it was the last one. They are valid until the next.
	Row(ctx context.Context) ([]float32, error)
}

// Cache is the KV memory of one sequence on an engine's device.
type Cache interface {
	// CopyFrom copies the first n positions of src, a cache of the same engine.
	CopyFrom(src Cache, n int) error
	// Bytes is the size of the memory.
	Bytes() int64
}
