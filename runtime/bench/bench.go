package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"time"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/host"
)

// Options say what is measured.
type Options struct {
	PP, TG  int // tokens of a prefill and of a decode; 0 leaves the one out
	Depth   int // tokens of history before either
	Reps    int
	Threads int    // the engine's, with which the read bandwidth is measured too; 0 is one for each CPU
	Peer    string // a shell command to measure in turn, unless ""
}

// DeviceMemory is an engine whose weights are not in the host's memory: it measures the bytes a second that its device moves, with
// a buffer of so many bytes.
type DeviceMemory interface {
	Bandwidth(ctx context.Context) (perSecond float64, buffer int64, err error)
}

// hostMemory measures what threads read of the host's.
func hostMemory(threads int) func(context.Context) (float64, int64, error) {
	buffer := bufferBytes(host.AvailableMemory())
	return func(ctx context.Context) (float64, int64, error) {
		b, err := readBandwidth(ctx, buffer, threads)
		return b, buffer, err
	}
}

// seed draws the ids: the same in every run.
const seed = 1

// Run measures m.
func Run(ctx context.Context, m *runtime.Model, o Options) (*Report, error) {
	if o.Threads == 0 {
		o.Threads = goruntime.GOMAXPROCS(0)
	}
	if err := o.check(m.Program); err != nil {
		return nil, err
	}
	traffic, err := DecodeBytes(m.Program)
	if err != nil {
		return nil, fmt.Errorf("bytes that a decode step reads: %w", err)
	}
	d, err := newDriver(ctx, m, o)
	if err != nil {
		return nil, err
	}
	if _, err := d.repetition(ctx); err != nil {
		return nil, err
	}
	r := newReport(m.Program, o, traffic)
	r.PeakMemory = host.PeakMemory()
	bandwidth := hostMemory(o.Threads)
	if d, ok := m.Engine.(DeviceMemory); ok {
		bandwidth, r.Threads = d.Bandwidth, 0
	}
	before, buffer, err := bandwidth(ctx)
	if err != nil {
		return nil, err
	}
	r.BandwidthBuffer = buffer
	ours, peers, err := d.repetitions(ctx, o)
	if err != nil {
		return nil, err
	}
	after, _, err := bandwidth(ctx)
	if err != nil {
		return nil, err
	}
	r.finish(ours, peers, max(before, after))
	return r, nil
}

// check says why p cannot be measured with o.
func (o Options) check(p *runtime.Program) error {
	switch {
	case o.PP < 0 || o.TG < 0 || o.Depth < 0 || o.Threads < 0:
		return fmt.Errorf("pp %d, tg %d, depth %d and threads %d must not be negative", o.PP, o.TG, o.Depth, o.Threads)
	case o.PP == 0 && o.TG == 0:
		return errors.New("pp 0 and tg 0: there is nothing to measure")
	case o.Reps < 1:
		return fmt.Errorf("%d repetitions: want 1 or more", o.Reps)
	case o.Depth > p.Context || max(o.PP, o.TG) > p.Context-o.Depth:
		return fmt.Errorf("pp %d or tg %d behind a depth of %d do not fit the model's context of %d tokens", o.PP, o.TG, o.Depth, p.Context)
	}
	return nil
}

// driver runs repetitions in one session.
type driver struct {
	session *runtime.Session
	depth   int
	prompt  []int32
	decoded []int32
}

// newDriver makes a session that has the history.
func newDriver(ctx context.Context, m *runtime.Model, o Options) (*driver, error) {
	s, err := m.NewSession()
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, seed))
	draw := func(n int) []int32 {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = rng.Int32N(int32(m.Program.Vocab))
		}
		return ids
	}
	d := &driver{session: s, depth: o.Depth, prompt: draw(o.PP), decoded: draw(o.TG)}
	if o.Depth == 0 {
		return d, nil
	}
	_, err = s.Append(ctx, draw(o.Depth), 0)
	return d, err
}

// repetitions measures; a peer has its turn after each of ours. What a peer did to the caches is no part of the next
// repetition: one that is not counted runs before, as the peer has a warm-up of its own.
func (d *driver) repetitions(ctx context.Context, o Options) (ours, peers []rates, err error) {
	p := &peer{command: o.Peer, pp: o.PP, tg: o.TG}
	for i := range o.Reps {
		if i > 0 && o.Peer != "" {
			if _, err := d.repetition(ctx); err != nil {
				return nil, nil, err
			}
		}
		r, err := d.repetition(ctx)
		if err != nil {
			return nil, nil, err
		}
		ours = append(ours, r)
		if o.Peer == "" {
			continue
		}
		if r, err = p.run(ctx); err != nil {
			return nil, nil, err
		}
		peers = append(peers, r)
	}
	return ours, peers, nil
}

// repetition measures a prefill and a decode, each behind the history alone.
func (d *driver) repetition(ctx context.Context) (r rates, err error) {
	if len(d.prompt) > 0 {
		r.prefill, err = d.timed(len(d.prompt), func() error {
			_, err := d.session.Append(ctx, d.prompt, 0)
			return err
		})
		if err != nil {
			return r, err
		}
	}
	if len(d.decoded) > 0 {
		r.decode, err = d.timed(len(d.decoded), func() error {
			if d.session.Greedy() {
				return d.session.Follow(ctx, d.decoded[0], len(d.decoded), func(int32) bool { return true })
			}
			for i := range d.decoded {
				if _, err := d.session.Append(ctx, d.decoded[i:i+1], 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return r, err
}

// timed is the tokens a second at which f runs n tokens behind the history.
func (d *driver) timed(n int, f func() error) (float64, error) {
	if err := d.session.Truncate(d.depth); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return 0, err
	}
	return float64(n) / max(time.Since(start), time.Nanosecond).Seconds(), nil
}
