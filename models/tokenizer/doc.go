// Package tokenizer turns text into token ids and ids back into text, as the
// SentencePiece BPE vocabularies of Llama 1, Llama 2 and TinyLlama define it.
//
// A [Spec] is the vocabulary and its settings as plain data, fit for JSON:
//
//	spec, err := tokenizer.FromSentencePiece("tokenizer.model", data)
//	spec, err := tokenizer.FromGGUF("model.gguf", file)
//
// [New] checks it and builds the [Tokenizer]:
//
//	t, err := tokenizer.New(spec)
//	ids := t.Encode("Hello world", tokenizer.Options{})  // 1 15043 3186
//	t.Decode(ids)                                        // "Hello world"
//
// A [Stream] decodes while a model generates: it hands out each character once
// all of its bytes are there, and joins the text to the prompt's:
//
//	s := t.Stream(ids)
//	for _, id := range generated {
//		fmt.Print(s.Next(id))
//	}
//	fmt.Print(s.Flush())
//
// # Encoding
//
// The text goes through these stations:
//
//  1. Special pieces written in it become ids at once (special.go).
//  2. What lies between them gets a space in front (the dummy prefix), and
//     spaces become U+2581 "▁".
//  3. It is cut into characters, and the neighbours whose concatenation is the
//     piece of the highest score are merged, the leftmost first among equals,
//     until nothing merges (spm.go).
//  4. A character that is no piece becomes its bytes' pieces <0x00> to <0xFF>,
//     or the unknown piece where the vocabulary has none.
//
// Ids agree with llama.cpp's, broken UTF-8 included. Where it and SentencePiece
// differ on plain text, SentencePiece is followed, since it made the
// vocabularies: control and byte pieces never arise by merging, so text cannot
// forge them; unused pieces are taken apart again; and runs of spaces collapse
// where the vocabulary asks for it.
//
// The package imports the standard library alone, since the runtime and
// generated packages use it.
package tokenizer
