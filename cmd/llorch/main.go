// Command llorch compiles Llama-family models and runs them.
//
//go:generate sh -c "go run . ops --markdown >OPS.md.part && mv OPS.md.part ../../ir/op/OPS.md"
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/llorch/llorch/passes"
)

// cli is the command line.
type cli struct {
	Run        runCmd        `cmd:"" help:"Generate text from a model or a compiled artifact."`
	Chat       chatCmd       `cmd:"" help:"Talk to a model that has a chat template."`
	Compile    compileCmd    `cmd:"" help:"Compile a model, or prove and compile a graph in text form."`
	IR         irCmd         `cmd:"" name:"ir" help:"Print a model's graph with every shape."`
	Check      checkCmd      `cmd:"" help:"Prove the shapes of a graph in text form."`
	Score      scoreCmd      `cmd:"" help:"Measure how well a model predicts a text: bits per byte and perplexity."`
	Verify     verifyCmd     `cmd:"" help:"Hold every kernel of a model against the reference, node by node."`
	Bench      benchCmd      `cmd:"" help:"Measure prefill and decode, beside the machine's read bandwidth and memory."`
	Logits     logitsCmd     `cmd:"" help:"Write the logits of every position."`
	Tokenize   tokenizeCmd   `cmd:"" help:"Turn text on standard input into token ids."`
	Ops        opsCmd        `cmd:"" help:"List the ops, or describe one."`
	Inspect    inspectCmd    `cmd:"" help:"Show what is in a model or an artifact."`
	Topics     helpCmd       `cmd:"" name:"help" help:"Explain a topic."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a shell completion script."`
}

// env is what commands reach of the world, so that they can be run in tests.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() { os.Exit(Main()) }

// Main runs the command line and returns its exit status: 1 for a refused input, 2 for wrong usage, 130 when interrupted
// before anything was generated.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for the first to be heard
	return run(&env{ctx, os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
}

// usageError is a mistake in how llorch was called.
type usageError struct{ error }

type exit int

func run(e *env, args []string) (status int) {
	var c cli
	k, err := kong.New(&c,
		kong.Name("llorch"),
		kong.Description("A compute-graph compiler for Llama-family models: proves the shapes, fuses, emits the kernels, runs them."),
		kong.Writers(e.stdout, e.stderr),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"passes": strings.Join(passes.Names(), ", "), "activations": activations()},
		kong.Exit(func(code int) { panic(exit(code)) }),
	)
	if err != nil {
		fmt.Fprintln(e.stderr, "llorch:", err)
		return 2
	}
	completeShell(k)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit: // kong has printed help
			status = int(r)
		default:
			panic(r)
		}
	}()
	kctx, err := k.Parse(args)
	if err != nil {
		fmt.Fprintln(e.stderr, "llorch:", err)
		fmt.Fprintln(e.stderr, "Run \"llorch --help\" or \"llorch COMMAND --help\" for usage.")
		return 2
	}
	err = kctx.Run(e, k)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usageError{}):
		fmt.Fprintln(e.stderr, "llorch:", err)
		return 2
	case e.ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(e.stderr, "llorch: interrupted")
		return 130
	}
	fmt.Fprintln(e.stderr, "llorch:", err)
	return 1
}
