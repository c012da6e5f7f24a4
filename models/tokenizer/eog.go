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
	"<PAD>":               true,
	"[PAD]":               true,
	"<｜end▁of▁sentence｜>": true,
}

// markEOG adds the pieces of endTexts to EOG. They become control pieces, since
// some files list them as user-defined or normal, which would print them.
func (s *Spec) markEOG() {
	for i, p := range s.Pieces {
		if endTexts[p.Text] {
			s.Pieces[i].Type = Control
			if id := int32(i); id != s.EOS && !slices.Contains(s.EOG, id) {
				s.EOG = append(s.EOG, id)
			}
		}
	}
}
