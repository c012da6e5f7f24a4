// Package models knows the architectures: what their files say, the graph they stand for, and where its weights lie.
//
//	model.gguf                     \                 Config ---- Llama ---> *ir.Graph, proved
//	config.json + model.safetensors }-- Open --> Model
//	a folder with one .gguf        /                 tensors --- Data ----> bytes, mapped
//
// A [Config] is an architecture in numbers and switches. archs.go has a row for each architecture: what files call it, its keys
// and its weights, and what it assumes where they are silent. config_hf.go, features_hf.go and rope_hf.go read the Config from
// config.json, config_gguf.go from GGUF metadata; format.go has the keys' names in both, so that validate.go can check either in
// its own words. What changes the computation and is not implemented is refused by name, never skipped.
//
// [Llama] (llama.go) declares the graph of them all from the Config, and nothing else does: neither it nor what comes behind it
// knows an architecture by name. names.go is the table of weight names; where a file has several weights in one tensor, parts.go
// finds each one's rows. A layer that slides keeps all tokens in its cache: the window is in its mask alone.
//
// testdata/oracle has a small random model of each family with the logits that transformers computes in float64. The example
// declares an architecture that no row describes.
//
// [Open] (open.go) finds a model at a path. [Model.Graph] (model.go) builds its graph with the file's dtypes, has it
// verified, and proves every weight of the file against the parameter that takes it (prove.go) before one is read.
// [Model.Tokenizer] and [OpenTokenizer] (tokenizer.go) read the vocabulary, and only when asked to; [Inspect]
// (inspect.go) lists what is in any file, supported or not.
package models
