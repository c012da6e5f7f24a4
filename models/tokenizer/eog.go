package tokenizer

import "slices"

// endTexts are pieces that end a generation wherever they occur, in addition to
// EOS: fine-tuned models stop at one that neither tokenizer.model nor GGUF's
// keys name. llama.cpp knows them by their text too.
var endTexts = map[string]bool{
	"</s>":                true,
	"<eos>":               true,
	"[EOS]":               true,
	"<EOT>":               true,
	"_<EOT>":              true,
	"[EOT]":               true,
	"<|eot_id|>":          true,
	"<|eom_id|>":          true,
	"<|im_end|>":          true,
	"<|end|>":             true,
	"<|endoftext|>":       true,
	"<|end_of_text|>":     true,
	"<end_of_turn>":       true,
	"<end_of_utterance>":  true,
	"<|return|>":          true,
	"<|call|>":            true,
	"<|calls|>":           true,
	"<|flush|>":           true,
	"[e~[":                true,
	"<|fim_pad|>":         true,
	"<fim-pad>":           true,
	"<fim_pad>":           true,
	"<|fim_repo|>":        true,
	"<|repo_name|>":       true,
	"<fim-repo>":          true,
	"<REPO>":              true,
	"<reponame>":          true,
	"<|file_sep|>":        true,
	"<PAD>":               true,
	"[PAD]":               true,
	"<｜end▁of▁sentence｜>": true,
}

// markEOG adds the pieces of endTexts to EOG. They become control pieces, since
// some files list them as user-defined or normal, which would print them.
func (s *Spec) markEOG() {
	here := map[string]bool{}
	for _, p := range s.Pieces {
		if endTexts[p.Text] {
			here[p.Text] = true
		}
	}
	// Where a message may also end in a call or a return, <|end|> ends one of
	// several messages.
	more := here["<|return|>"] && here["<|call|>"] || (here["<|call|>"] || here["<|calls|>"]) && here["<|flush|>"]
	for i, p := range s.Pieces {
		if !endTexts[p.Text] {
			continue
		}
		if more && p.Text == "<|end|>" {
			s.Pieces[i].Type = UserDefined
			continue
		}
		s.Pieces[i].Type = Control
		if id := int32(i); id != s.EOS && !slices.Contains(s.EOG, id) {
			s.EOG = append(s.EOG, id)
		}
	}
}
