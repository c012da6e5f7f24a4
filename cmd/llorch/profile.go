package main

import (
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"
)

// kernelTime sums up the launches of a kernel in one phase.
type kernelTime struct {
	name  string
	count int
	total time.Duration
}

// kernels runs a prefill and decode steps with each launch measured by itself, one after another.
func (c *benchCmd) kernels(e *env) error {
	times := map[string]*kernelTime{}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag,
		profile: func(_, kernel string, d time.Duration) {
			if times[kernel] == nil {
				times[kernel] = &kernelTime{name: kernel}
			}
			times[kernel].count++
			times[kernel].total += d
		}})
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSession()
	if err != nil {
		return err
	}
	phase := func(what string, tokens, reps int) error {
		if tokens == 0 {
			return nil
		}
		for i := range reps + 1 {
			if i == 1 || reps == 0 {
				times = map[string]*kernelTime{} // after a warm-up
			}
			if err := s.Truncate(c.Depth); err != nil {
				return err
			}
			if _, err := s.Append(e.ctx, make([]int32, tokens), 0); err != nil {
				return err
			}
		}
		return printTimes(e, what, times, reps)
	}
	if c.Depth > 0 {
		if _, err := s.Append(e.ctx, make([]int32, c.Depth), 0); err != nil {
			return err
		}
	}
	if err := phase(fmt.Sprintf("prefill of %d tokens", c.PP), c.PP, c.Reps); err != nil {
		return err
	}
	return phase("decode of a token", min(c.TG, 1), c.Reps)
}

// printTimes prints the kernels of one run of a phase, the slowest first.
func printTimes(e *env, what string, times map[string]*kernelTime, reps int) error {
	var all []*kernelTime
	total := time.Duration(0)
	for _, k := range times {
		all = append(all, k)
		total += k.total
	}
	slices.SortFunc(all, func(a, b *kernelTime) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name))
	})
	us := func(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	fmt.Fprintf(e.stdout, "%s: %.1f us in kernels, each by itself\n", what, us(total, reps))
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, k := range all {
		fmt.Fprintf(tw, "%.1f us\t%d x\t%.2f us\t%4.1f %%\t %s\n", us(k.total, reps), k.count/reps, us(k.total, k.count),
			100*float64(k.total)/float64(total), k.name)
	}
	return tw.Flush()
}
