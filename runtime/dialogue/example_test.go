package dialogue_test

import (
	"context"
	"fmt"
	"log"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/austen"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/cpu"
	"github.com/llorch/llorch/runtime/dialogue"
)

// The second turn runs its own message alone: what was said before is in the cache. The built-in model has no template, so one is
// given, and no idea of conversations.
func Example() {
	m, err := models.Parse("austen.gguf", austen.GGUF)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	g, err := m.Graph(models.Options{Context: 128})
	if err != nil {
		log.Fatal(err)
	}
	c, err := codegen.Compile(g, codegen.Options{Target: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	if c.Program.Tokenizer, err = m.Tokenizer(); err != nil {
		log.Fatal(err)
	}
	e, err := cpu.New(c.Program, c.Weights(m), gen.Library(), cpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	model, err := runtime.NewModel(c.Program, e)
	if err != nil {
		log.Fatal(err)
	}

	form, err := dialogue.NewForm(model, "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}")
	if err != nil {
		log.Fatal(err)
	}
	d, err := dialogue.New(form, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, message := range []string{"It is a truth", "Oh!"} {
		turn, err := d.Say(context.Background(), message, runtime.Options{MaxTokens: 4}, func(text string) bool { return true })
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(turn.Reused, "tokens in the cache,", turn.PromptTokens, "read,", turn.Tokens, "said")
	}
	fmt.Println(len(d.Messages()), "messages")
	// Output:
	// 0 tokens in the cache, 9 read, 4 said
	// 12 tokens in the cache, 5 read, 4 said
	// 4 messages
}
