package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/llorch/llorch/runtime/bench"
	"github.com/llorch/llorch/runtime/cpu"
)

type benchCmd struct {
	Model   string `arg:"" optional:"" help:"A .gguf file, a Hugging Face folder or a compiled artifact." predictor:"path"`
	PP      int    `name:"pp" default:"128" placeholder:"N" help:"Tokens of a prefill; 0 leaves it out."`
	TG      int    `name:"tg" default:"32" placeholder:"N" help:"Tokens of a decode, one a step; 0 leaves it out."`
	Depth   int    `default:"0" placeholder:"N" help:"Tokens that are in the cache before either."`
	Reps    int    `default:"5" placeholder:"N" help:"Repetitions, after one that is not counted."`
	JSON    bool   `name:"json" help:"Print one line of JSON."`
	Kernels bool   `help:"Measure each kernel by itself instead: where the time of a prefill and of a decode step goes."`
	engineFlags
	activationFlag
	Peer string `placeholder:"CMD" help:"Run a shell command after each repetition and compare with what it prints."`
}

// Help says what the numbers are.
func (benchCmd) Help() string {
	return `Prefill and decode are measured apart, each behind --depth tokens: random ids, nothing sampled, a step ends when its
logits are there. Numbers are medians of the repetitions, with the minimum and maximum; tok/s is tokens a second, GB/s
10^9 bytes a second. The read bandwidth is the most that --threads threads read from a large buffer, before and after
the repetitions; of a GPU, what it copies, counted read and written. A GPU chooses the likeliest token itself and goes on with it.
Peak memory counts all resident pages, mapped weights too, without that buffer.

--peer's command prints a line {"prefill_tok_s": N, "decode_tok_s": N} (as this command does with --json), or a line
with "ppN N tok/s tgN N tok/s".`
}

func (c *benchCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return usageError{err}
	}
	if c.Kernels {
		return c.kernels(e)
	}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag})
	if err != nil {
		return err
	}
	defer m.Close()
	stop := e.busy("measuring")
	r, err := bench.Run(e.ctx, m.Model, bench.Options{
		PP: c.PP, TG: c.TG, Depth: c.Depth, Reps: c.Reps, Threads: c.threads(), Peer: c.Peer,
	})
	stop()
	if err != nil {
		return err
	}
	if d, ok := m.Engine.(interface{ DeviceName() string }); ok {
		r.Level = d.DeviceName()
	} else {
		r.Level = cmp.Or(c.CPU, cpu.Levels()[0])
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	fmt.Fprint(e.stdout, benchText(r))
	return nil
}

func (c *benchCmd) check() error {
	switch {
	case c.PP < 0 || c.TG < 0 || c.Depth < 0:
		return errors.New("--pp, --tg and --depth must not be negative")
	case c.PP == 0 && c.TG == 0:
		return errors.New("--pp 0 and --tg 0: there is nothing to measure")
	case c.Kernels && (c.JSON || c.Peer != ""):
		return errors.New("--kernels prints a table, without --json and --peer")
	case c.Reps < 1:
		return fmt.Errorf("--reps is %d, want 1 or more", c.Reps)
	}
	return c.engineFlags.check()
}

// benchText is the report for people.
func benchText(r *bench.Report) string {
	var b strings.Builder
	plural := func(n int, what string) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	with := ""
	if r.Threads > 0 {
		with = " with " + plural(r.Threads, "thread")
	}
	fmt.Fprintf(&b, "%s on %s (%s)%s, depth %d, median of %s\n", r.Model, r.Target, r.Level, strings.Replace(with, " with", ",", 1), r.Depth, plural(r.Reps, "repetition"))
	line := func(name string, tokens int, s bench.Spread) {
		if tokens > 0 {
			fmt.Fprintf(&b, "%-9s %8s tok/s (%s to %s) for %s\n",
				name, fourDigits(s.Median), fourDigits(s.Min), fourDigits(s.Max), plural(tokens, "token"))
		}
	}
	line("prefill", r.PP, r.Prefill)
	line("decode", r.TG, r.Decode)
	fmt.Fprintf(&b, "reads     %8s GB/s at most%s from %s; decode reads %s of weights a token",
		fourDigits(r.ReadBandwidth/1e9), with, size(r.BandwidthBuffer), size(r.DecodeBytes))
	switch {
	case r.BandwidthFraction > 1:
		fmt.Fprintf(&b, ", which stay in the caches: %.3g times that bandwidth\n", r.BandwidthFraction)
	case r.TG > 0:
		fmt.Fprintf(&b, ": %.1f %% of that bandwidth\n", 100*r.BandwidthFraction)
	default:
		fmt.Fprintln(&b)
	}
	if r.PeakMemory > 0 {
		fmt.Fprintf(&b, "memory    %s at peak, mapped weights included: %.2f times the weights' %s\n",
			size(r.PeakMemory), float64(r.PeakMemory)/float64(r.WeightBytes), size(r.WeightBytes))
	}
	if p := r.Peer; p != nil {
		fmt.Fprintf(&b, "peer      %s\n", p.Command)
		line("  prefill", r.PP, p.Prefill)
		line("  decode", r.TG, p.Decode)
		var ratios []string
		if r.PP > 0 {
			ratios = append(ratios, fmt.Sprintf("prefill %.3f", p.PrefillRatio))
		}
		if r.TG > 0 {
			ratios = append(ratios, fmt.Sprintf("decode %.3f", p.DecodeRatio))
		}
		fmt.Fprintf(&b, "ratio     %s of the peer's\n", strings.Join(ratios, ", "))
	}
	return b.String()
}

// fourDigits prints a positive number with at least four significant digits.
func fourDigits(x float64) string {
	return strconv.FormatFloat(x, 'f', max(0, 3-int(math.Floor(math.Log10(x)))), 64)
}
