// Package tokenizer turns text into token ids and ids back into text, as the
// vocabularies of Llama-family models define it: SentencePiece's BPE of Llama 1,
// Llama 2 and TinyLlama, and the byte-level BPE of Llama 3, SmolLM2 and others.
//
// A [Spec] is the vocabulary and its settings as plain data, fit for JSON:
//
//	spec, err := tokenizer.FromSentencePiece("tokenizer.model", data)
//	spec, err := tokenizer.FromTokenizerJSON("tokenizer.json", data)
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
// Special pieces written in the text become ids at once (special.go). What lies
// between them goes the way of the Spec's Model.
//
// [SPM], SentencePiece:
//
//  1. The text gets a space in front (the dummy prefix), and spaces become
//     U+2581 "▁".
//  2. It is cut into characters, and the neighbours whose concatenation is the
//     piece of the highest score are merged, the leftmost first among equals,
//     until nothing merges (spm.go).
//  3. A character that is no piece becomes its bytes' pieces <0x00> to <0xFF>,
//     or the unknown piece where the vocabulary has none.
//
// [Ranked] is the same vocabulary as tokenizer.json writes it, a list of merges
// instead of scores (bpe.go).
//
// [BPE], byte-level:
//
//  1. What is not UTF-8 becomes U+FFFD (wellformed.go), and where the vocabulary asks for it the text is put into Unicode's
//     normal form C (nfc.go), as Qwen's tokenizer.json does; a GGUF does not say so, and llama.cpp does not.
//  2. The pre-tokenizer cuts the text into words by regular expressions
//     (words.go). Which there are is the table of internal/generate, which
//     makes automata of them (zwords.go); an unknown name is refused.
//  3. Every byte of a word is a piece, and the neighbours whose merge comes
//     first in the list are merged until nothing merges (bpe.go).
//
// # Agreement
//
// Ids agree with llama.cpp's, broken UTF-8 included, but in these points.
//
// Where it and SentencePiece differ on plain text, SentencePiece is followed,
// since it made the vocabularies: control and byte pieces never arise by merging,
// so text cannot forge them; unused pieces are taken apart again; and runs of
// spaces collapse where the vocabulary asks for it. Byte-level merges make no
// control piece either.
//
// Words are cut as the expressions of the models' tokenizer.json mean it, with
// the classes of Unicode 15.1, which are llama.cpp's too. It approximates some:
// "ſ" is no "s" in its contractions; gpt-4o, tekken, youtu and kimi-k2 have one
// class of letters there for small and capital ones, marks and Han; the ranges of
// deepseek-llm and deepseek-coder lack the spaces beyond ASCII.
//
// The package imports the standard library alone, since the runtime and
// generated packages use it.
package tokenizer
