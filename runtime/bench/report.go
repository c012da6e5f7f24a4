package bench

import (
	"encoding/json"

	"github.com/llorch/llorch/runtime"
)

// Report is what Run measured. Its JSON form is one flat object in which absent keys were not measured.
type Report struct {
	Model   string
	Target  string
	Level   string // of the CPU's instructions, or the device's name; the caller knows it
	PP, TG  int
	Depth   int
	Reps    int
	Threads int // of the CPU; 0 on a device

	Prefill Spread // tokens/s
	Decode  Spread // tokens/s

	ReadBandwidth     float64 // bytes/s, the most of the measurements before and after
	BandwidthBuffer   int64   // bytes
	DecodeBytes       int64   // of weights, that a decode step reads
	BandwidthFraction float64 // of ReadBandwidth, that decode's median reaches with DecodeBytes a token

	WeightBytes int64 // of all weights
	PeakMemory  int64 // bytes; 0 where the system does not say

	Peer *PeerReport // nil without a peer
}

// PeerReport is what a peer measured, in turn with the Report's repetitions.
type PeerReport struct {
	Command string
	Prefill Spread // tokens/s
	Decode  Spread
	// PrefillRatio and DecodeRatio are ours over the peer's: of the medians.
	PrefillRatio, DecodeRatio float64
}

func newReport(p *runtime.Program, o Options, traffic int64) *Report {
	r := &Report{
		Model: p.Model, Target: p.Target, PP: o.PP, TG: o.TG, Depth: o.Depth, Reps: o.Reps, Threads: o.Threads,
		DecodeBytes: traffic, WeightBytes: p.Memory().Weights,
	}
	if o.Peer != "" {
		r.Peer = &PeerReport{Command: o.Peer}
	}
	return r
}

// finish sums up the repetitions.
func (r *Report) finish(ours, peers []rates, bandwidth float64) {
	r.Prefill, r.Decode = spreads(ours)
	r.ReadBandwidth = bandwidth
	r.BandwidthFraction = r.Decode.Median * float64(r.DecodeBytes) / bandwidth
	if p := r.Peer; p != nil {
		p.Prefill, p.Decode = spreads(peers)
		if r.PP > 0 {
			p.PrefillRatio = r.Prefill.Median / p.Prefill.Median
		}
		if r.TG > 0 {
			p.DecodeRatio = r.Decode.Median / p.Decode.Median
		}
	}
}

func spreads(all []rates) (prefill, decode Spread) {
	var p, d []float64
	for _, r := range all {
		p, d = append(p, r.prefill), append(d, r.decode)
	}
	return spreadOf(p), spreadOf(d)
}

// MarshalJSON implements json.Marshaler.
func (r *Report) MarshalJSON() ([]byte, error) {
	type rateKeys struct {
		Prefill    float64 `json:"prefill_tok_s,omitempty"`
		PrefillMin float64 `json:"prefill_tok_s_min,omitempty"`
		PrefillMax float64 `json:"prefill_tok_s_max,omitempty"`
		Decode     float64 `json:"decode_tok_s,omitempty"`
		DecodeMin  float64 `json:"decode_tok_s_min,omitempty"`
		DecodeMax  float64 `json:"decode_tok_s_max,omitempty"`
	}
	keys := func(p, d Spread) rateKeys { return rateKeys{p.Median, p.Min, p.Max, d.Median, d.Min, d.Max} }
	type peerKeys struct {
		Command string `json:"command"`
		rateKeys
		PrefillRatio float64 `json:"prefill_ratio,omitempty"`
		DecodeRatio  float64 `json:"decode_ratio,omitempty"`
	}
	var peer *peerKeys
	if p := r.Peer; p != nil {
		peer = &peerKeys{p.Command, keys(p.Prefill, p.Decode), p.PrefillRatio, p.DecodeRatio}
	}
	return json.Marshal(struct {
		Model   string `json:"model"`
		Target  string `json:"target"`
		Level   string `json:"level,omitempty"`
		PP      int    `json:"pp"`
		TG      int    `json:"tg"`
		Depth   int    `json:"depth"`
		Reps    int    `json:"reps"`
		Threads int    `json:"threads,omitempty"`
		rateKeys
		Bandwidth       float64   `json:"read_bandwidth_gb_s"`
		BandwidthBuffer int64     `json:"read_bandwidth_buffer_bytes"`
		DecodeBytes     int64     `json:"decode_weight_bytes"`
		Fraction        float64   `json:"decode_bandwidth_fraction,omitempty"`
		WeightBytes     int64     `json:"weights_bytes"`
		PeakMemory      int64     `json:"peak_memory_bytes,omitempty"`
		Peer            *peerKeys `json:"peer,omitempty"`
	}{
		r.Model, r.Target, r.Level, r.PP, r.TG, r.Depth, r.Reps, r.Threads, keys(r.Prefill, r.Decode),
		r.ReadBandwidth / 1e9, r.BandwidthBuffer, r.DecodeBytes, r.BandwidthFraction, r.WeightBytes, r.PeakMemory, peer,
	})
}
