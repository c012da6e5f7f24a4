package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"

	"github.com/llorch/llorch/runtime/score"
)

type scoreCmd struct {
	Model  string `arg:"" help:"A .gguf file, a Hugging Face folder or a compiled artifact." predictor:"path"`
	File   string `arg:"" help:"The text; - reads standard input." predictor:"path"`
	Window int    `default:"0" placeholder:"N" help:"Tokens of a window at most; 0 for the model's context."`
	Chunk  int    `default:"0" help:"Tokens a step at most; 0 for the model's own."`
	JSON   bool   `name:"json" help:"Print one line of JSON."`
	engineFlags
	activationFlag
}

// Help says what the numbers are.
func (scoreCmd) Help() string {
	return `The text is cut into consecutive windows of N tokens with no overlap, each of which begins with BOS; every token
is predicted from those before it in its window. Bits per byte is -Σ log2 p of all tokens over the bytes of the text,
perplexity is that of a token. Compare at the same window alone.`
}

// scoreSummary is the JSON line.
type scoreSummary struct {
	score.Result
	Model string `json:"model"`
	File  string `json:"file"`
}

func (c *scoreCmd) Run(e *env) error {
	err := c.engineFlags.check()
	if err == nil && (c.Window < 0 || c.Chunk < 0) {
		err = errors.New("--window and --chunk must not be negative")
	}
	if err != nil {
		return usageError{err}
	}
	text, err := c.text(e)
	if err != nil {
		return err
	}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag, chunk: c.Chunk, tokenizer: true})
	if err != nil {
		return err
	}
	defer m.Close()
	report, stop := scoreProgress(e)
	r, err := score.Text(e.ctx, m.Model, text, score.Options{Window: c.Window, Chunk: min(c.Chunk, m.chunk), Progress: report})
	stop()
	if err != nil {
		return fmt.Errorf("scoring %s: %w", c.name(), err)
	}
	if !r.Spelled {
		fmt.Fprintf(e.stderr, "llorch: warning: %s: the tokens do not spell all of the text, so it scores better than it should: "+
			"the vocabulary lacks some characters, or the tokenizer removes spaces\n", c.name())
	}
	return c.print(e, r, m.Program.Model)
}

// text reads all of the file.
func (c *scoreCmd) text(e *env) (string, error) {
	var b []byte
	var err error
	if c.File == "-" {
		b, err = io.ReadAll(e.stdin)
	} else {
		b, err = os.ReadFile(c.File)
	}
	switch {
	case err != nil && c.File == "-":
		return "", fmt.Errorf("reading standard input: %w", err)
	case err != nil:
		return "", err
	case len(b) == 0:
		return "", fmt.Errorf("%s: is empty: there is nothing to score", c.name())
	}
	return string(b), nil
}

// name is the text's, for people.
func (c *scoreCmd) name() string {
	if c.File == "-" {
		return "standard input"
	}
	return filepath.Base(c.File)
}

func (c *scoreCmd) print(e *env, r score.Result, model string) error {
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(scoreSummary{r, model, c.File})
	}
	windows := fmt.Sprintf("%d windows of %d, no overlap", r.Windows, r.Window)
	if r.Windows == 1 {
		windows = fmt.Sprintf("1 window of %d", r.Window)
	}
	_, err := fmt.Fprintf(e.stdout, "%s: %.4f bits per byte, perplexity %.4f; %d bytes, %d tokens in %s\n",
		c.name(), r.BitsPerByte, r.Perplexity, r.TextBytes, r.Tokens, windows)
	if err == nil && !r.BOS {
		_, err = fmt.Fprintf(e.stdout, "the vocabulary has no BOS: the first token of each window is not predicted, which leaves %d tokens and %d bytes\n",
			r.Predicted, r.Bytes)
	}
	return err
}

// scoreProgress shows on a terminal how many windows are done.
func scoreProgress(e *env) (report func(windows, of int), stop func()) {
	idle := e.busy("scoring") // until the first is
	f, ok := e.stderr.(*os.File)
	if !ok || !isTerminal(f) {
		return nil, idle
	}
	var bar *progressbar.ProgressBar
	report = func(windows, of int) {
		idle()
		if bar == nil {
			bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("scoring"),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set(windows)
	}
	stop = func() {
		idle()
		if bar != nil {
			_ = bar.Clear()
		}
	}
	return report, stop
}
