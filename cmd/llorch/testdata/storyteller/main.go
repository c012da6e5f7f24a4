// Command storyteller goes on with the text of its arguments. The model is a package of its own module, made by go generate;
// ../script/gopkg.txtar copies this folder, puts a model into it, generates, builds and runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"example.com/storyteller/story"
)

//go:generate llorch compile --target go --package story model.gguf

func main() {
	n := flag.Int("n", 12, "the most tokens to generate")
	temp := flag.Float64("temp", 0.8, "the temperature")
	seed := flag.Uint64("seed", 1, "the seed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	model := story.New(story.Temperature(*temp), story.Seed(*seed))
	for piece, err := range model.Stream(ctx, strings.Join(flag.Args(), " "), story.MaxTokens(*n)) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "storyteller:", err)
			os.Exit(1)
		}
		fmt.Print(piece)
	}
	fmt.Println()
}
