package sample

import (
	"fmt"
	"math"
)

// DefaultRepeatLast is the number of tokens that the repetition penalty looks back on when Params.RepeatLast is 0.
const DefaultRepeatLast = 64

// Params says how tokens are chosen. The zero value is greedy decoding without a penalty.
type Params struct {
	Temperature   float64 `json:"temperature"`    // divides the logits; 0 takes the best token
	TopK          int     `json:"top_k"`          // tokens kept; 0, or the vocabulary's size and more, is off
	TopP          float64 `json:"top_p"`          // probability mass kept, 0 to 1; 0 and 1 are off
	MinP          float64 `json:"min_p"`          // least probability kept as a fraction of the best's, 0 to 1; 0 is off
	RepeatPenalty float64 `json:"repeat_penalty"` // factor, above 1 discourages repeats and below 1 favours them; 0 and 1 are off
	RepeatLast    int     `json:"repeat_last_n"`  // tokens of history that are penalised; 0 is DefaultRepeatLast
	Seed          uint64  `json:"seed"`           // start of the random stream
}

// Validate reports the first field, by its JSON name, whose value is not allowed.
func (p Params) Validate() error {
	checks := []struct {
		field string
		value any
		ok    bool
		want  string
	}{
		{"temperature", p.Temperature, p.Temperature >= 0 && !math.IsInf(p.Temperature, 1), "a finite number, 0 (greedy) or more"},
		{"top_k", p.TopK, p.TopK >= 0, "0 (off) or more"},
		{"top_p", p.TopP, p.TopP >= 0 && p.TopP <= 1, "0 (off) to 1 (off)"},
		{"min_p", p.MinP, p.MinP >= 0 && p.MinP <= 1, "0 (off) to 1"},
		{"repeat_penalty", p.RepeatPenalty, p.RepeatPenalty >= 0 && !math.IsInf(p.RepeatPenalty, 1), "a finite number, 0 (off) or more"},
		{"repeat_last_n", p.RepeatLast, p.RepeatLast >= 0, fmt.Sprintf("0 (the default, %d) or more", DefaultRepeatLast)},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("sample: %s is %v, want %s", c.field, c.value, c.want)
		}
	}
	return nil
}

// Greedy reports that the likeliest token is always taken, by the logits alone.
func (p Params) Greedy() bool {
	return p.Temperature == 0 && (p.RepeatPenalty == 0 || p.RepeatPenalty == 1)
}

// normalised gives every way of saying "off" the value 0, and defaults their values.
func (p Params) normalised(vocab int) Params {
	if p.TopK >= vocab {
		p.TopK = 0
	}
	if p.TopP == 1 {
		p.TopP = 0
	}
	if p.RepeatPenalty == 1 {
		p.RepeatPenalty = 0
	}
	if p.RepeatLast == 0 {
		p.RepeatLast = DefaultRepeatLast
	}
	return p
}
