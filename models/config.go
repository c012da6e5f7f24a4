package models

// Config is an architecture in numbers: what config.json or GGUF metadata say, in one spelling.
type Config struct {
	Name    string // the model's own name
	Arch    string // "llama", "qwen2", ...: a row of archs.go
	Vocab   int
	Embd    int // width of the residual stream
	Layers  int
	Heads   int // query heads
	KVHeads int // key and value heads; Heads is a multiple
	HeadDim int
	FFN     int // width of the MLP
	Context int // the most positions

	NormEps float64
	Rope    Rope
	Tied    bool // the output projection is the embedding table

	AttnBias bool // q, k and v projections have biases
	OutBias  bool // the attention's output projection has one
	MLPBias  bool // gate, up and down have

	QKNorm     bool    // queries and keys are normalised head by head, before they are rotated
	PostNorms  bool    // what attention and MLP compute is normalised before it is added
	NormOffset float64 // added to the weights of norms
	Act        string  // of the MLP's gate: the name of an op, "" for silu
	EmbdScale  float64 // embeddings are multiplied by it; 0: not
	AttnScale  float64 // scores are multiplied by it; 0: 1/√HeadDim
	AttnCap    float64 // soft cap of the scores; 0: none
	LogitCap   float64 // soft cap of the logits; 0: none
	Sliding    Sliding
}

// Sliding says which layers see the nearest tokens alone. The KV cache holds all of them for every layer.
type Sliding struct {
	Window  int    // tokens that a query sees, itself counted; 0: every layer sees all
	From    int    // the layers before it see all
	Pattern []bool // repeats over the layers: whether one slides; nil: all do
}

// At reports a layer that slides.
func (s Sliding) At(layer int) bool {
	return s.Window > 0 && layer >= s.From && (s.Pattern == nil || s.Pattern[layer%len(s.Pattern)])
}

// Rope is a rotary embedding.
type Rope struct {
	Theta  float64
	Width  int     // rotated elements of a head; even, at most HeadDim
	Style  string  // how the file orders a pair: "half" (Hugging Face) or "interleaved" (GGUF)
	Linear float64 // positions are divided by it; 0 or 1: not
	Llama3 *Llama3Scaling
	// Factors divide the frequencies one by one (GGUF's rope_freqs.weight); nil: not.
	Factors []float64
}

// Llama3Scaling is Llama 3.1's stretching of low frequencies.
type Llama3Scaling struct {
	Factor, LowFreq, HighFreq float64
	OriginalContext           int
}
