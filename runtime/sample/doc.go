// Package sample chooses the next token from a step's logits, and finds stop strings in the text that follows.
//
// A [Sampler] runs its stages in llama.cpp's default order:
//
//	stage               parameter                    keeps or changes                                source
//	repetition penalty  RepeatPenalty, RepeatLast    logits of recent tokens: > 0 divided, else      Keskar et al. 2019 (CTRL)
//	                                                 multiplied, once however often they occur
//	top-k               TopK                         the k largest logits                            Fan et al. 2018
//	top-p (nucleus)     TopP                         the fewest best tokens with mass >= TopP        Holtzman et al. 2019
//	min-p               MinP                         tokens with p >= MinP * p of the best           Nguyen et al. 2024
//	temperature         Temperature                  logits divided by it                            Ackley et al. 1985
//	draw                Seed                         one token, by its probability
//
// Each stage sees what the one before left: top-p's masses are renormalised over top-k's survivors. Temperature comes
// after truncation, so it never changes which tokens are possible, only how likely each one is. Temperature 0 takes the
// best token after the penalty; no truncation could remove it. CTRL divides every logit; multiplying the negative ones
// is llama.cpp's correction, without which a penalty would favour them.
//
// # Determinism
//
// Equal parameters, history and logits give equal tokens on every platform. Equal logits rank by id, lowest first. Each
// draw takes one number u in [0, 1) from a PCG-DXSM stream (math/rand/v2) and walks the survivors' weights, summed in
// float64, until u times their total is passed. The walk goes from the best token down after top-k or top-p, else by
// id. Weights come from an exponential that is computed here, as math.Exp and fused multiply-adds vary by processor.
//
// # Cost
//
// No stage sorts the vocabulary: top-k passes over it with a heap of k, and top-p pops a heap only of the tokens that
// are likely enough to be in the nucleus. A Sampler allocates nothing after its first call.
package sample
