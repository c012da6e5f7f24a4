package runtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
)

// alphabet is an engine whose model says the letter after the last.
type alphabet struct{ vocab int }

type noCache struct{}

func (noCache) CopyFrom(runtime.Cache, int) error { return nil }
func (noCache) Bytes() int64                      { return 0 }

func (e alphabet) NewCache() (runtime.Cache, error) { return noCache{}, nil }
func (e alphabet) Close() error                     { return nil }

func (e alphabet) Step(_ context.Context, _ string, _ runtime.Cache, _ int, tokens []int32) ([]float32, error) {
	logits := make([]float32, e.vocab)
	logits[(int(tokens[len(tokens)-1])+1)%e.vocab] = 1
	return logits, nil
}

// newAlphabet makes a model of 27 pieces: one that is unknown, then the letters.
func newAlphabet() *runtime.Model {
	spec := &tokenizer.Spec{Model: tokenizer.SPM, BOS: -1, EOS: -1, Pieces: []tokenizer.Piece{{Text: "<unk>", Type: tokenizer.Unknown}}}
	for letter := 'a'; letter <= 'z'; letter++ {
		spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: string(letter), Type: tokenizer.Normal})
	}
	p := &runtime.Program{
		Compiler: "v0.1", Target: "example", Model: "alphabet", Context: 64, Vocab: 27, Chunk: 16, Symbols: []string{"S", "P"},
		Steps:   []runtime.Step{{Name: runtime.Decode}, {Name: runtime.Prefill}},
		Weights: []runtime.Tensor{{Name: "embed", DType: "f32", Shape: []int64{27, 1}, Bytes: 108}},
		States:  []runtime.StateBuffer{{Name: "k", DType: "f32", Shape: []int64{64, 1}, Bytes: 256}}, Tokenizer: spec,
	}
	m, err := runtime.NewModel(p, alphabet{27})
	if err != nil {
		log.Fatal(err)
	}
	return m
}

func ExampleModel_Generate() {
	m := newAlphabet()
	var r runtime.Result
	for tok, err := range m.Generate(context.Background(), "abc", runtime.Options{MaxTokens: 5, Result: &r}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", tok.ID, tok.Text)
	}
	fmt.Println(r.Text, r.StopReason)
	// Output:
	// 4 d
	// 5 e
	// 6 f
	// 7 g
	// 8 h
	// defgh length
}

// The summary of a generation is a line of JSON.
func ExampleModel_Complete() {
	r, err := newAlphabet().Complete(context.Background(), "x", runtime.Options{Stop: []string{"z"}})
	if err != nil {
		log.Fatal(err)
	}
	r.Prefill, r.Decode = runtime.Duration{}, runtime.Duration{} // the times differ
	line, err := json.Marshal(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
	// Output:
	// {"prompt_ids":[24],"ids":[25,26],"text":"y","stop_reason":"stop","past_tokens":0,"prompt_tokens":1,"tokens":2,"decode_steps":1,"prefill_ms":0,"decode_ms":0}
}

// Ids go in and out where there is no text, and a fork continues a history that is computed once.
func ExampleSession_Fork() {
	ctx := context.Background()
	s, err := newAlphabet().NewSession()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Append(ctx, []int32{1, 2, 3}, 0); err != nil {
		log.Fatal(err)
	}
	for _, next := range []int32{7, 20} {
		f, err := s.Fork()
		if err != nil {
			log.Fatal(err)
		}
		for tok, err := range runtime.Generate(ctx, f, []int32{next}, runtime.Options{MaxTokens: 2}) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Print(tok.ID, " ")
		}
		fmt.Println("after", f.Tokens())
	}
	// Output:
	// 8 9 after [1 2 3 7 8]
	// 21 22 after [1 2 3 20 21]
}

// zeros are weights for an example.
type zeros struct{}

func (zeros) Data(t *runtime.Tensor) ([]byte, error) { return make([]byte, t.Bytes), nil }
func (zeros) Close() error                           { return nil }

func ExampleOpenArtifact() {
	parent, err := os.MkdirTemp("", "llorch")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "alphabet")
	graph := map[string][]byte{"graph.ir": []byte("graph alphabet\n")}
	if err := runtime.WriteArtifact(dir, newAlphabet().Program, zeros{}, graph); err != nil {
		log.Fatal(err)
	}

	a, err := runtime.OpenArtifact(dir, runtime.OpenOptions{Target: "example", Verify: true})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	m := a.Program.Memory()
	fmt.Printf("%s: %d bytes of weights, %d of KV cache\n", a.Program.Model, m.Weights, m.KV)

	if err := os.Truncate(filepath.Join(dir, "graph.ir"), 3); err != nil {
		log.Fatal(err)
	}
	_, err = runtime.OpenArtifact(dir, runtime.OpenOptions{})
	fmt.Println(err.Error()[len(dir)+1:])
	// Output:
	// alphabet: 108 bytes of weights, 256 of KV cache
	// graph.ir: 3 bytes, the manifest says 15: it was cut off
}
