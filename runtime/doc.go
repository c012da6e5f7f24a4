// Package runtime runs compiled models: it keeps a sequence's KV cache and history together, generates text, and writes
// and reads the artifact, the directory that a compiled model is deployed as.
//
// A [Program] says what to run, an [Engine] runs it on a device (runtime/cpu and its siblings), and a [Session] is one
// sequence on an engine:
//
//	a, err := runtime.OpenArtifact(dir, runtime.OpenOptions{})       // checks it, maps the weights
//	e, err := cpu.New(a.Program, a, ...)                             // an Engine
//	m, err := runtime.NewModel(a.Program, e)
//	for tok, err := range m.Generate(ctx, "Once upon a time", runtime.Options{MaxTokens: 64}) {
//		fmt.Print(tok.Text)
//	}
//
// # Sessions
//
// P is the number of tokens whose keys and values are in the cache, and the session's history is their ids: one length
// serves both. A step runs S new tokens behind the P that are there; P += S is committed after its last kernel. So a step
// that fails or is cancelled changes nothing, since the positions behind P are dead memory:
//
//	            0 . . . . . P . . . . . . . context
//	history     [ids ......]
//	cache       [K, V .....][ what a failed step left, never read ]
//
// Within a session P only grows; [Session.Truncate] and [Session.Reset] set it back, and [Session.Fork] copies the cache.
// [WarmUp] runs in a session of its own: what it computed cannot be in anybody's history.
//
// # Generation
//
// [Generate] is an iterator over the tokens that follow a prompt, and [Result] is its summary: ids, text, why it ended and
// how long it took. The first token is chosen from the prompt's logits and the last is not fed, so that a full context still
// yields a token.
//
// # Artifacts
//
//	manifest.json  the Program, a table of the other files, and the sum of its own bytes   manifest.go, check.go
//	weights.bin    the weights as the target reads them, each from a multiple of 64 KiB     write.go
//	graph.ir       the graph, for people
//	kernels/       kernel IR, emitted sources and binaries
//
// [WriteArtifact] writes into a directory beside the target and renames it, so a directory under the target's name is
// complete (replace.go). [OpenArtifact] checks what it can without reading the weights, and every byte with
// [OpenOptions].Verify (open.go). [WriteData] and [NewArtifact] are the same for the two files that a generated Go package
// embeds (inmemory.go).
//
// Generated packages import this one, so it imports the standard library alone, beside models/tokenizer, ir/kernel,
// models/mmap and runtime/sample.
package runtime
