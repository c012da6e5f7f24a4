package tokenizer_test

import (
	"fmt"
	"log"

	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/tokenizer"
)

// The vocabulary of a GGUF file. BOS begins the ids; a character that no piece has becomes its bytes, and comes whole from a Stream.
func Example() {
	f, err := gguf.Open("../austen/austen.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	spec, err := tokenizer.FromGGUF("austen.gguf", f)
	if err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.New(spec)
	if err != nil {
		log.Fatal(err)
	}
	ids := t.Encode("It is a truth", tokenizer.Options{})
	var pieces []string
	for _, id := range ids {
		pieces = append(pieces, t.Piece(id))
	}
	fmt.Printf("%v\n%q\n%s\n", ids, pieces, t.Decode(ids))

	s := t.Stream(ids)
	for _, id := range t.Encode(" né", tokenizer.Options{NoBOS: true}) {
		fmt.Printf("%s %q\n", t.Piece(id), s.Next(id))
	}
	// Output:
	// [1 970 946 366 261 259 953 324 951]
	// ["<s>" "I" "t" "▁is" "▁a" "▁t" "r" "ut" "h"]
	// It is a truth
	// ▁n " n"
	// <0xC3> ""
	// <0xA9> "é"
}
