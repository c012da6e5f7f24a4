package models

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// ropeTypeHF is a kind of rotary embedding and the keys that belong to it.
type ropeTypeHF struct {
	name string
	keys []string
	read func(s *object, r *Rope)
}

var ropeTypesHF = []ropeTypeHF{
	{"default", nil, func(*object, *Rope) {}},
	{"linear", []string{"factor"}, readLinear},
	{"llama3", []string{"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}, readLlama3},
}

// ropeKeysHF may stand in rope_parameters whatever the type; "type" is an older spelling of "rope_type".
var ropeKeysHF = []string{"rope_type", "type", "rope_theta", "partial_rotary_factor"}

// readRopeHF reads rope_theta, partial_rotary_factor and rope_scaling, or all of it from transformers 5's rope_parameters.
func readRopeHF(o *object, headDim int) Rope {
	r := Rope{Theta: o.float("rope_theta", 10000), Style: "half"}
	part := 1.0
	if o.has("partial_rotary_factor") {
		part = o.float("partial_rotary_factor", 1)
	}
	if s := scalingHF(o); s != nil {
		checkTwice(o, s, "rope_theta")
		checkTwice(o, s, "partial_rotary_factor")
		r.Theta = s.float("rope_theta", r.Theta)
		if s.has("partial_rotary_factor") {
			part = s.float("partial_rotary_factor", 1)
		}
		readScaling(s, &r)
		o.take(s)
	}
	if !(part > 0 && part <= 1) {
		o.fail("partial_rotary_factor", "found %v, want a number above 0, at most 1", part)
		part = 1
	}
	r.Width = int(float64(headDim) * part)
	return r
}

// scalingHF is the object that describes the scaling, nil without one.
func scalingHF(o *object) *object {
	const old, current = "rope_scaling", "rope_parameters"
	if o.has(old) && o.has(current) {
		var a, b any
		_ = json.Unmarshal(o.raw[old], &a) // valid: parseObject has decoded them
		_ = json.Unmarshal(o.raw[current], &b)
		if !reflect.DeepEqual(a, b) {
			o.fail(current, "found %s, but %s says %s", o.shown(current), old, o.shown(old))
		}
	}
	if o.has(current) {
		return o.object(current)
	}
	return o.object(old)
}

// checkTwice refuses a number that o and s give differently.
func checkTwice(o, s *object, key string) {
	if o.has(key) && s.has(key) && o.float(key, 0) != s.float(key, 0) {
		s.fail(key, "found %s, but %s says %s", s.shown(key), o.place, o.shown(key))
	}
}

func readScaling(s *object, r *Rope) {
	for _, key := range s.keys {
		if s.raw[key][0] == '{' {
			s.fail(key, "rotary embeddings that differ by layer are not supported, want one rope_type for all")
			return
		}
	}
	key, name := "type", s.string("type", "default")
	if s.has("rope_type") {
		key = "rope_type"
		if t := s.string("rope_type", ""); s.has("type") && t != name {
			s.fail("rope_type", "found %q, but type says %q", t, name)
		}
		name = s.string("rope_type", "")
	}
	if s.err != nil {
		return
	}
	i := slices.IndexFunc(ropeTypesHF, func(t ropeTypeHF) bool { return t.name == name })
	if i < 0 {
		s.fail(key, "%q is not supported, want default, linear or llama3", name)
		return
	}
	row := ropeTypesHF[i]
	for _, key := range s.keys {
		if s.has(key) && !slices.Contains(row.keys, key) && !slices.Contains(ropeKeysHF, key) {
			s.fail(key, "found %s, which rope_type %q does not have: it takes %s", s.shown(key), name,
				strings.Join(append(slices.Clone(ropeKeysHF), row.keys...), ", "))
		}
	}
	row.read(s, r)
}

func readLinear(s *object, r *Rope) {
	if f := s.positive("factor"); f != 1 {
		r.Linear = f
	}
}

func readLlama3(s *object, r *Rope) {
	l := Llama3Scaling{Factor: s.positive("factor"), LowFreq: s.positive("low_freq_factor"), HighFreq: s.positive("high_freq_factor")}
	if l.HighFreq <= l.LowFreq {
		s.fail("high_freq_factor", "found %v, want more than low_freq_factor, which is %v", l.HighFreq, l.LowFreq)
	}
	if !s.has("original_max_position_embeddings") {
		s.fail("original_max_position_embeddings", "is missing")
	}
	l.OriginalContext = s.count("original_max_position_embeddings", 1)
	r.Llama3 = &l
}
