// Package models knows the architectures: what their files say, the graph they stand for, and where its weights lie.
//
//	model.gguf                     \                 Config ---- Llama ---> *ir.Graph, proved
//	config.json + model.safetensors }-- Open --> Model
//	a folder with one .gguf        /                 tensors --- Data ----> bytes, mapped
//
// A [Config] is an architecture in numbers. config_hf.go and rope_hf.go read it from config.json, config_gguf.go from
// GGUF metadata; format.go has the keys' names in both, so that validate.go can check either in its own words. What
// changes the computation and is not implemented is refused by name, never skipped.
//
// [Llama] (llama.go) declares the graph, and nothing else does. names.go is the one table of weight names.
//
// [Open] (open.go) finds a model at a path. [Model.Graph] (model.go) builds its graph with the file's dtypes, has it
// verified, and proves every weight of the file against the parameter that takes it (prove.go) before one is read.
// [Model.Tokenizer] and [OpenTokenizer] (tokenizer.go) read the vocabulary, and only when asked to; [Inspect]
// (inspect.go) lists what is in any file, supported or not.
package models
