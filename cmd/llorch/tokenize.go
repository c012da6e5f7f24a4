package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/tokenizer"
)

type tokenizeCmd struct {
	Model   string `arg:"" help:"A .gguf file (a vocabulary alone will do) or a Hugging Face folder." predictor:"path"`
	NoBOS   bool   `name:"no-bos" help:"Leave out the beginning-of-sequence token."`
	Special bool   `help:"Parse control tokens written in the text."`
	JSON    bool   `name:"json" help:"Print ids and pieces as JSON."`
}

func (c *tokenizeCmd) Run(e *env) error {
	spec, err := models.OpenTokenizer(c.Model)
	if err != nil {
		return err
	}
	t, err := tokenizer.New(*spec)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	text, err := io.ReadAll(e.stdin)
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	ids := t.Encode(string(text), tokenizer.Options{NoBOS: c.NoBOS, Special: c.Special})
	if !c.JSON {
		words := make([]string, len(ids))
		for i, id := range ids {
			words[i] = strconv.Itoa(int(id))
		}
		fmt.Fprintln(e.stdout, strings.Join(words, " "))
		return nil
	}
	out := struct {
		IDs    []int32  `json:"ids"`
		Pieces []string `json:"pieces"`
	}{ids, make([]string, len(ids))}
	for i, id := range ids {
		out.Pieces[i] = t.Piece(id)
	}
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
