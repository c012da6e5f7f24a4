package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/llorch/llorch/models/chat"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/dialogue"
)

type runCmd struct {
	Model  string `arg:"" optional:"" name:"model" help:"A .gguf file, a Hugging Face folder or a compiled artifact; the built-in model unless given." predictor:"path"`
	Prompt string `arg:"" optional:"" help:"The text to continue; - or none reads standard input."`

	contextFlag
	samplingFlags
	Chunk     int    `default:"0" help:"Prompt tokens a step at most; 0 for the model's own."`
	WarmUp    int    `default:"0" placeholder:"N" help:"Run N tokens in a sequence of their own first."`
	IDs       string `name:"ids" placeholder:"1,2,3" help:"The prompt as token ids; needs no tokenizer."`
	IgnoreEOS bool   `name:"ignore-eos" help:"Go on after an end-of-sequence token."`
	Chat      string `placeholder:"MESSAGE" help:"Ask in the form of the model's chat template, in place of a prompt."`
	System    string `placeholder:"TEXT" help:"With --chat: the system message."`
	Verify    bool   `help:"Compare every file of an artifact with its SHA-256 first."`
	JSON      bool   `name:"json" help:"Print one line of JSON at the end instead of the text."`
	engineFlags
	activationFlag
}

// runSummary is the JSON line.
type runSummary struct {
	runtime.Result
	Seed    uint64         `json:"seed"`
	Model   string         `json:"model"`
	Target  string         `json:"target"`
	Prefill float64        `json:"prefill_tok_s"`
	Decode  float64        `json:"decode_tok_s"`
	Memory  runtime.Memory `json:"memory"` // in bytes
}

func (c *runCmd) Run(e *env) error {
	c.defaultModel()
	ids, err := parseIDs(c.IDs)
	if err != nil {
		return usageError{err}
	}
	prompt, err := c.prompt(e)
	if err != nil {
		return err
	}
	opt, seed, err := c.options()
	if err != nil {
		return usageError{err}
	}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag, chunk: c.Chunk, ctx: c.Ctx, tokenizer: c.IDs == "", verify: c.Verify})
	if err != nil {
		return err
	}
	defer m.Close()
	e.tellMemory(m.Program)
	opt.Chunk = min(opt.Chunk, m.chunk)
	if c.IDs == "" {
		if m.Tokenizer == nil {
			return fmt.Errorf("%s: has no tokenizer: give the prompt as --ids", modelName(c.Model))
		}
		opt.Tokenizer = m.Tokenizer
		if ids, err = c.encode(m, prompt); err != nil {
			return fmt.Errorf("%s: %w", modelName(c.Model), err)
		}
	}
	if c.WarmUp > 0 {
		if err := runtime.WarmUp(e.ctx, m.Engine, m.Program, c.WarmUp); err != nil {
			return err
		}
	}
	var result runtime.Result
	opt.Result = &result
	if err := c.generate(e, m, ids, opt); err != nil {
		return err
	}
	if c.JSON {
		line, err := json.Marshal(runSummary{result, seed, m.Program.Model, m.Program.Target, result.PrefillRate(), result.DecodeRate(), m.Program.Memory()})
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s\n", line)
	}
	if result.StopReason == runtime.StopCancelled {
		return context.Canceled
	}
	return nil
}

// defaultModel takes a lone prompt for what it is: the built-in model runs it.
func (c *runCmd) defaultModel() {
	if c.Model != "" && c.Prompt == "" && !looksLikeModel(c.Model) {
		c.Model, c.Prompt = "", c.Model
	}
}

// encode is the prompt's ids.
func (c *runCmd) encode(m *ready, prompt string) ([]int32, error) {
	if c.Chat == "" {
		return m.Tokenizer.Encode(prompt, tokenizer.Options{}), nil
	}
	f, err := dialogue.NewForm(m.Model, "")
	if err != nil {
		return nil, fmt.Errorf("%w: --chat asks in the model's own form", err)
	}
	return f.Prompt(c.System, []chat.Message{{Role: "user", Content: c.Chat}})
}

// generate streams the text, or with ids alone the ids.
func (c *runCmd) generate(e *env, m *ready, ids []int32, opt runtime.Options) error {
	s, err := m.NewSession()
	if err != nil {
		return err
	}
	stop := e.busy("reading the prompt")
	defer stop()
	wrote := false
	for tok, err := range runtime.Generate(e.ctx, s, ids, opt) {
		stop()
		if err != nil {
			return err
		}
		text := tok.Text
		if opt.Tokenizer == nil && tok.ID != runtime.NoToken {
			text = strconv.Itoa(int(tok.ID)) + " "
		}
		if !c.JSON && text != "" {
			wrote = true
			if _, err := io.WriteString(e.stdout, text); err != nil {
				return err
			}
		}
	}
	if wrote {
		fmt.Fprintln(e.stdout)
	}
	return nil
}

// prompt is the argument or standard input; ids need none.
func (c *runCmd) prompt(e *env) (string, error) {
	switch {
	case c.IDs != "" && (c.Prompt != "" || c.Chat != ""):
		return "", usageError{errors.New("a prompt and --ids exclude one another")}
	case c.Chat != "" && c.Prompt != "":
		return "", usageError{fmt.Errorf("a prompt and --chat exclude one another: %q is no model's name", c.Prompt)}
	case c.System != "" && c.Chat == "":
		return "", usageError{errors.New("--system goes with --chat")}
	case c.IDs != "" || c.Chat != "":
		return "", nil
	}
	if c.Prompt != "" && c.Prompt != "-" {
		return c.Prompt, nil
	}
	if f, ok := e.stdin.(*os.File); ok && isTerminal(f) && c.Prompt == "" {
		return "", usageError{errors.New("no prompt: give one as an argument, on standard input, or as --ids")}
	}
	b, err := io.ReadAll(e.stdin)
	if err != nil {
		return "", fmt.Errorf("reading the prompt: %w", err)
	}
	return strings.TrimSuffix(string(b), "\n"), nil
}

func (c *runCmd) options() (runtime.Options, uint64, error) {
	usual := 0.8 // variety for a text that goes on, the likeliest answer to a question
	if c.Chat != "" {
		usual = 0
	}
	o, err := c.samplingFlags.options(usual)
	switch {
	case err != nil:
		return o, 0, err
	case c.Chunk < 0:
		return o, 0, fmt.Errorf("--chunk is %d, want 0 or more", c.Chunk)
	case c.WarmUp < 0:
		return o, 0, fmt.Errorf("--warm-up is %d, want 0 or more", c.WarmUp)
	}
	o.IgnoreEOS, o.Chunk = c.IgnoreEOS, c.Chunk
	return o, o.Sample.Seed, errors.Join(c.contextFlag.check(), c.engineFlags.check())
}

// looksLikeModel tells a model's path from a prompt: it exists, has a separator, or ends like a model's file.
func looksLikeModel(s string) bool {
	if _, err := os.Stat(s); err == nil {
		return true
	}
	return strings.ContainsRune(s, '/') || strings.ContainsRune(s, filepath.Separator) ||
		strings.HasSuffix(s, ".gguf") || strings.HasSuffix(s, ".safetensors")
}

// parseIDs reads 1,2,3.
func parseIDs(s string) ([]int32, error) {
	if s == "" {
		return nil, nil
	}
	var ids []int32
	for _, f := range strings.Split(s, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(f), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--ids: %q is not a token id", f)
		}
		ids = append(ids, int32(id))
	}
	return ids, nil
}
