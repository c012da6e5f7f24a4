// Package austen is llorch's default model, embedded: a Llama of 2,952,000 parameters that the project trained on the
// novels of Jane Austen. It lets llorch show something without a download; all it knows is how such prose goes on.
//
// austen.gguf is written by train.py. README.md has the recipe, the score and the licence.
package austen

import _ "embed"

// GGUF is the model as a file: weights as Q8_0, norms as F32, and a SentencePiece vocabulary of 1,024 pieces. It must
// not be written to.
//
//go:embed austen.gguf
var GGUF []byte
