package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPeerParse(t *testing.T) {
	const driver = "/tmp/m.gguf ngl=0 t=2 pp128 37.2 tok/s  tg32 14.20 tok/s (median of 1; logit0 -0.5177)\n"
	p := &peer{command: "c", pp: 128, tg: 32}
	for name, c := range map[string]struct {
		out  string
		want rates
		err  string
	}{
		"driver":           {driver, rates{37.2, 14.2}, ""},
		"with other lines": {"loading\n" + driver + "done {}\n", rates{37.2, 14.2}, ""},
		"the last counts":  {driver + "pp128 1 tok/s tg32 2 tok/s", rates{1, 2}, ""},
		"json":             {`{"prefill_tok_s": 3, "decode_tok_s": 4.5}`, rates{3, 4.5}, ""},
		"json of llorch":   {"x\n" + `{"model":"m","pp":128,"tg":32,"prefill_tok_s":3,"prefill_tok_s_min":1,"decode_tok_s":4.5,"decode_tok_s_min":4}` + "\n", rates{3, 4.5}, ""},
		"other tokens":     {"pp64 1 tok/s tg32 2 tok/s", rates{}, "it measured pp 64 and tg 32, not pp 128 and tg 32"},
		"other json":       {`{"pp":128,"tg":8,"prefill_tok_s":3,"decode_tok_s":4}`, rates{}, "it measured pp 128 and tg 8, not"},
		"nothing":          {"", rates{}, `it printed no JSON object with prefill_tok_s and decode_tok_s, and no line "pp128 N tok/s tg32 N tok/s"`},
		"half":             {`{"prefill_tok_s": 3}`, rates{}, "it measured a prefill of 3 and a decode of 0 tokens/s"},
		"broken json":      {`{"prefill_tok_s": `, rates{}, "its line"},
		"no number":        {"pp128 1.2.3 tok/s tg32 2 tok/s", rates{}, "its line"},
		"too long":         {"pp99999999999999999999 1 tok/s tg32 2 tok/s", rates{}, "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.parse(c.out)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	got, err := (&peer{pp: 128}).parse("pp128 5 tok/s tg0 0.0 tok/s")
	require.NoError(t, err)
	require.Equal(t, rates{prefill: 5}, got)
}

func TestPeerFails(t *testing.T) {
	needsShell(t)
	run := func(command string) error {
		_, err := (&peer{command: command, pp: 1, tg: 1}).run(context.Background())
		return err
	}
	require.EqualError(t, run("echo cannot open model >&2; exit 3"),
		"peer \"echo cannot open model >&2; exit 3\": exit status 3\nits standard error: cannot open model")
	require.ErrorContains(t, run("echo hm >&2"), "it printed no JSON object")
	require.ErrorContains(t, run("echo hm >&2"), "its standard error: hm")
	err := run("seq 10000 >&2; exit 1")
	require.ErrorContains(t, err, "...")
	require.ErrorContains(t, err, "\n10000")
	require.Less(t, len(err.Error()), 700)
	require.ErrorContains(t, run("no-such-command-here"), "exit status 127")
}

// TestPeerCancelled: cancelling does not wait for the command.
func TestPeerCancelled(t *testing.T) {
	needsShell(t)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	_, err := (&peer{command: "sleep 60; echo x", pp: 1, tg: 1}).run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(start), 30*time.Second)
}
