// Package bench measures how fast a model runs, beside what its machine could do at most.
//
//	r, err := bench.Run(ctx, m, bench.Options{PP: 128, TG: 32, Reps: 5, Threads: 2})
//	fmt.Println(r.Prefill.Median, r.Decode.Median, r.BandwidthFraction)
//
// # What is measured
//
// Prefill and decode are separate measurements behind the same Depth tokens of history, as llama-bench makes them:
//
//	history   0 . . . . . . Depth
//	prefill   [ not timed ][ PP tokens, in steps of the program's chunk        ]
//	decode    [ not timed ][ 1 ][ 1 ] ... TG steps, each run until its logits are there
//
// Nothing is sampled: ids are random, drawn with a fixed seed. Where a number has a spread it is the minimum and maximum of
// the repetitions, and the number is their median. The order is
//
//	warm-up repetition, peak memory, read bandwidth, repetitions, read bandwidth
//
// A peer's command, where one is given, runs after each repetition (peer.go), so that both have the same minute of a machine
// whose speed changes.
//
// # Read bandwidth
//
// A decode step reads nearly every weight once, so memory's read bandwidth bounds it. bandwidth.go measures that with as many
// threads as the model has, and traffic.go counts the bytes of weights that a decode step reads, from its kernels' text: whole
// tensors, and of the embedding the rows of the step's tokens. The KV cache and activations are not counted.
//
// # Peak memory
//
// The most memory that the process has had resident, which includes the pages of weights that are mapped from a file
// (memory_linux.go and its siblings). It is read after the warm-up repetition, which needs all that the others need, and before
// the bandwidth's buffer is made.
package bench
