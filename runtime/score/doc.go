// Package score measures how well a model predicts a text: bits per byte and perplexity.
//
//	r, err := score.Text(ctx, m, text, score.Options{})
//	fmt.Println(r.BitsPerByte, r.Perplexity)
//
// # Definition
//
// The whole text is tokenised once, without BOS and without reading special tokens in it. The tokens are cut into
// consecutive windows of W with no overlap; the last may be shorter. Each window is a sequence of its own:
//
//	positions   0    1    2  ...  W-1        W at most, so W <= the model's context
//	fed         BOS  t0   t1 ...  t(W-2)
//	predicted   t0   t1   t2 ...  t(W-1)     every token of the window, each from all before it in the window
//
// A vocabulary without BOS leaves the first token of each window unpredicted: nothing precedes it.
//
//	nll            -Σ ln p / predicted tokens
//	perplexity     exp(nll)
//	bits per byte  -Σ log2 p / bytes
//
// where bytes are those of the text, less the characters that unpredicted tokens complete. Probabilities are over the whole
// vocabulary, from the program's f32 logits in float64 (nll.go). Windows that are short make a model look worse, because their
// first tokens have little to go by, so scores compare at the same W alone. Bits per byte compares models of different vocabularies;
// perplexity does not.
//
// Tokens that do not spell the text, because it has characters that the vocabulary lacks or spaces that the tokenizer
// removes, make the score better than it is. [Result].Spelled tells (spell.go).
package score
