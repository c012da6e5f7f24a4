package models

// Config is an architecture in numbers: what config.json or GGUF metadata say, in one spelling.
type Config struct {
	Name    string // the model's own name
	Arch    string // "llama"
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
