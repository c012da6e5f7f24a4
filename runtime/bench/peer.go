package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A peer is another program that measures the same, run by sh. It prints one of
//
//	{"prefill_tok_s": 101.5, "decode_tok_s": 9.8}
//	m.gguf ngl=0 t=2 pp128 101.5 tok/s  tg32 9.8 tok/s (median of 3; logit0 1.25)
//
// on a line of its own: an object, in which "pp" and "tg" say how many tokens those are of if they are there, as llorch bench
// --json prints; or the line of llama.cpp's driver, which names both. The last such line counts. A peer that measures other
// numbers of tokens is refused.
type peer struct {
	command string
	pp, tg  int
}

// rates are tokens a second, 0 where not measured.
type rates struct{ prefill, decode float64 }

// measured is what one line of a peer says.
type measured struct {
	rates
	pp, tg int
}

// run runs the command once.
func (p *peer) run(ctx context.Context) (rates, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", p.command)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // what a killed shell leaves behind may hold the pipes
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return rates{}, ctx.Err()
	case err != nil:
		return rates{}, fmt.Errorf("peer %q: %w%s", p.command, err, tail(errs.Bytes()))
	}
	r, err := p.parse(out.String())
	if err != nil {
		return rates{}, fmt.Errorf("peer %q: %w%s", p.command, err, tail(errs.Bytes()))
	}
	return r, nil
}

var peerLine = regexp.MustCompile(`\bpp(\d+) ([0-9.]+) tok/s +tg(\d+) ([0-9.]+) tok/s`)

// parse reads what the command printed.
func (p *peer) parse(out string) (rates, error) {
	var last measured
	found := false
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		m, ok, err := p.parseLine(line)
		if err != nil {
			return rates{}, fmt.Errorf("its line %q: %w", line, err)
		}
		if ok {
			last, found = m, true
		}
	}
	switch {
	case !found:
		return rates{}, fmt.Errorf("it printed no JSON object with prefill_tok_s and decode_tok_s, and no line \"pp%d N tok/s tg%d N tok/s\"", p.pp, p.tg)
	case last.pp != p.pp || last.tg != p.tg:
		return rates{}, fmt.Errorf("it measured pp %d and tg %d, not pp %d and tg %d", last.pp, last.tg, p.pp, p.tg)
	case p.pp > 0 && !(last.prefill > 0) || p.tg > 0 && !(last.decode > 0):
		return rates{}, fmt.Errorf("it measured a prefill of %g and a decode of %g tokens/s", last.prefill, last.decode)
	}
	return last.rates, nil
}

// parseLine reads a line in one of the two formats; any other is not ok.
func (p *peer) parseLine(line string) (m measured, ok bool, err error) {
	if strings.HasPrefix(line, "{") {
		o := struct {
			PP, TG  int
			Prefill float64 `json:"prefill_tok_s"`
			Decode  float64 `json:"decode_tok_s"`
		}{PP: p.pp, TG: p.tg}
		err := json.Unmarshal([]byte(line), &o)
		return measured{rates{o.Prefill, o.Decode}, o.PP, o.TG}, true, err
	}
	f := peerLine.FindStringSubmatch(line)
	if f == nil {
		return m, false, nil
	}
	var errs [4]error
	m.pp, errs[0] = strconv.Atoi(f[1])
	m.prefill, errs[1] = strconv.ParseFloat(f[2], 64)
	m.tg, errs[2] = strconv.Atoi(f[3])
	m.decode, errs[3] = strconv.ParseFloat(f[4], 64)
	return m, true, errors.Join(errs[:]...)
}

// tail is the end of what a command wrote to standard error, for a message.
func tail(b []byte) string {
	const most = 500
	s := strings.ToValidUTF8(strings.TrimSpace(string(b)), "?")
	if s == "" {
		return ""
	}
	if len(s) > most {
		s = "..." + s[len(s)-most:]
	}
	return "\nits standard error: " + s
}
