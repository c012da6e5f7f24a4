package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/dialogue"
)

type chatCmd struct {
	Model    string `arg:"" name:"model" help:"A .gguf file, a Hugging Face folder or a compiled artifact." predictor:"path"`
	System   string `placeholder:"TEXT" help:"The system message."`
	Template string `placeholder:"FILE" help:"A chat template, in Jinja, in place of the model's own."`
	Load     string `placeholder:"FILE" help:"Go on with a conversation that /save has written."`
	contextFlag
	samplingFlags
	engineFlags
	activationFlag
}

func (c *chatCmd) Help() string {
	return "A line is a message; one that ends in \\ goes on with the next, and pasted lines are one. The conversation stays in the cache: a turn runs the new message alone.\n" +
		"Ctrl-C ends a reply, Ctrl-D the program. Lines that begin with / are commands; // begins a message with /.\n\n" + chatHelp()
}

func (c *chatCmd) Run(e *env) error {
	opt, err := c.samplingFlags.options(0)
	if err == nil {
		err = errors.Join(c.contextFlag.check(), c.engineFlags.check())
	}
	if err != nil {
		return usageError{err}
	}
	template := ""
	if c.Template != "" {
		text, err := os.ReadFile(c.Template)
		if err != nil {
			return err
		}
		template = string(text)
	}
	m, err := load(e, c.Model, loadOptions{engineFlags: c.engineFlags, activationFlag: c.activationFlag, ctx: c.Ctx, tokenizer: true})
	if err != nil {
		return err
	}
	defer m.Close()
	form, err := dialogue.NewForm(m.Model, template)
	if err != nil {
		if template != "" {
			return fmt.Errorf("%s: %w", c.Template, err)
		}
		return fmt.Errorf("%s: %w", modelName(c.Model), err)
	}
	d, err := dialogue.New(form, c.System)
	if err = errors.Join(err, e.ctx.Err()); err != nil { // Ctrl-C while the model was loaded
		return err
	}
	t := &talk{env: e, dialogue: d, options: opt, model: m.Program.Model}
	if c.Load != "" {
		if err := t.load(c.Load); err != nil {
			return err
		}
	}
	return t.run()
}

// talk is a conversation with whoever types.
type talk struct {
	*env
	dialogue *dialogue.Dialogue
	options  runtime.Options
	model    string
	line     func() (string, error) // the next one that is typed, io.EOF behind the last
	terminal bool
	done     bool
}

// run goes on until the input ends. On a terminal an error ends a turn, and otherwise all.
func (t *talk) run() error {
	stop := t.open()
	defer stop()
	for !t.done {
		text, err := t.message()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLongLine): // another line can be typed
		case err != nil:
			return err
		case strings.TrimSpace(text) == "":
			continue
		case strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//"):
			err = t.command(text)
		default:
			err = t.say(strings.TrimPrefix(text, "/"))
		}
		if err != nil && !t.terminal {
			return err
		}
		if err != nil {
			fmt.Fprintln(t.stderr, "llorch:", err)
		}
	}
	return nil
}

// open finds out where lines come from.
func (t *talk) open() (stop func()) {
	in, isFile := t.stdin.(*os.File)
	out, toFile := t.stdout.(*os.File)
	if isFile && toFile && isTerminal(in) && isTerminal(out) {
		t.terminal = true
		t.line = newLineEditor(in, out).line
		fmt.Fprintf(t.stderr, "%s: /help lists commands\n", t.model)
		between := make(chan os.Signal, 1) // a Ctrl-C that comes when the reply is just over ends nothing
		signal.Notify(between, os.Interrupt)
		return func() { signal.Stop(between) }
	}
	lines := bufio.NewReader(t.stdin)
	t.line = func() (string, error) {
		s, err := lines.ReadString('\n')
		if err == io.EOF && s != "" {
			err = nil
		}
		return strings.TrimRight(s, "\r\n"), err
	}
	return func() {}
}

// message is a line, with those that it says follow.
func (t *talk) message() (string, error) {
	var all []string
	for {
		s, err := t.line()
		if errors.Is(err, io.EOF) && len(all) > 0 { // the line that was to follow is empty
			return strings.Join(all, "\n"), nil
		}
		if err != nil {
			return "", err
		}
		part, more := strings.CutSuffix(s, "\\")
		if all = append(all, part); !more {
			return strings.Join(all, "\n"), nil
		}
	}
}

// say runs a turn. On a terminal Ctrl-C ends it, and the conversation goes on with what was said.
func (t *talk) say(text string) error {
	ctx := t.ctx
	if t.terminal {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(context.WithoutCancel(t.ctx), os.Interrupt)
		defer stop()
	}
	quiet := t.busy("reading the message")
	defer quiet()
	var failed error
	turn, err := t.dialogue.Say(ctx, text, t.options, func(part string) bool {
		quiet()
		_, failed = io.WriteString(t.stdout, part)
		return failed == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	quiet()
	fmt.Fprintln(t.stdout)
	fmt.Fprintln(t.stderr, summary(turn))
	if !t.terminal && turn.StopReason == runtime.StopCancelled {
		return context.Canceled
	}
	return nil
}

// summary says what a turn took.
func summary(turn dialogue.Turn) string {
	if turn.PromptTokens == 0 {
		return fmt.Sprintf("[%d tokens in the cache, stopped before the message was read]", turn.Reused)
	}
	s := fmt.Sprintf("[%d tokens in the cache, %d read at %s tok/s, %d said", turn.Reused, turn.PromptTokens, fourDigits(turn.PrefillRate()), turn.Tokens)
	if turn.Steps > 0 {
		s += " at " + fourDigits(turn.DecodeRate()) + " tok/s"
	}
	switch turn.StopReason {
	case runtime.StopCancelled:
		s += ", stopped"
	case runtime.StopLength:
		s += ", cut off by -n"
	case runtime.StopContext:
		s += ", the context is full"
	}
	return s + "]"
}

// chatCommands is the table of commands.
var chatCommands = []struct {
	name, arg, help string
	run             func(t *talk, arg string) error
}{
	{"/reset", "", "forget the conversation", func(t *talk, _ string) error { t.dialogue.Reset(); return nil }},
	{"/save", "FILE", "write the conversation to a file", (*talk).save},
	{"/load", "FILE", "go on with one that was written", (*talk).load},
	{"/stats", "", "say what the cache holds, and what the last turn took", (*talk).stats},
	{"/help", "", "list these commands", nil}, // which lists the table itself
	{"/quit", "", "end the program, as Ctrl-D does", func(t *talk, _ string) error { t.done = true; return nil }},
}

func chatHelp() string {
	var b strings.Builder
	for _, c := range chatCommands {
		fmt.Fprintf(&b, "    %-12s %s\n", strings.TrimSpace(c.name+" "+c.arg), c.help)
	}
	return b.String()
}

func (t *talk) command(line string) error {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	arg = strings.TrimSpace(arg)
	for _, c := range chatCommands {
		switch {
		case c.name != name:
			continue
		case (c.arg == "") != (arg == ""):
			return fmt.Errorf("%s: want %s", line, strings.TrimSpace(c.name+" "+c.arg))
		case c.run == nil:
			_, err := io.WriteString(t.stderr, chatHelp())
			return err
		}
		return c.run(t, arg)
	}
	return fmt.Errorf("%s is no command: /help lists them, and // begins a message with /", name)
}

func (t *talk) save(file string) error {
	if err := t.dialogue.Save(file); err != nil {
		return err
	}
	fmt.Fprintf(t.stderr, "[%d messages written to %s]\n", len(t.dialogue.Messages()), filepath.Base(file))
	return nil
}

func (t *talk) load(file string) error {
	model, err := t.dialogue.Load(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stderr, "[%d messages of %s, to be read with the next]\n", len(t.dialogue.Messages()), filepath.Base(file))
	if model != t.model {
		fmt.Fprintf(t.stderr, "llorch: warning: that conversation was with %q, and this is %q\n", model, t.model)
	}
	return nil
}

func (t *talk) stats(string) error {
	tokens, most := t.dialogue.Cached()
	fmt.Fprintf(t.stderr, "[%d messages; %d of %d tokens of context]\n", len(t.dialogue.Messages()), tokens, most)
	if last := t.dialogue.Last(); last.PromptTokens > 0 {
		fmt.Fprintln(t.stderr, summary(last))
	}
	return nil
}
