package sample

import (
	"fmt"
	"slices"
	"strings"
)

// Stops finds the first stop string in text that arrives in pieces. What it emits does not depend on where the pieces
// are cut: the text before the match that starts earliest. A match that starts earlier but is still incomplete is
// therefore waited for: with "abcd" and "bc", the text "abc" stops only when what follows is not "d" or by Flush.
type Stops struct {
	stops   []string
	held    string // not yet emitted: the beginning of a stop string, and what follows it
	stopped bool
}

// NewStops makes a matcher for any number of stop strings, none of them empty.
func NewStops(stops []string) (*Stops, error) {
	for i, s := range stops {
		if s == "" {
			return nil, fmt.Errorf("sample: stop string %d of %d is empty", i+1, len(stops))
		}
	}
	return &Stops{stops: slices.Clone(stops)}, nil
}

// Push takes the next piece of text, of any bytes. It returns the text that is now known to precede every stop string,
// and whether a stop string was found, after which nothing is emitted any more.
func (s *Stops) Push(text string) (emit string, stopped bool) {
	if s.stopped {
		return "", true
	}
	s.held += text
	for i := range len(s.held) {
		complete, begun := s.match(s.held[i:])
		if complete {
			emit, s.held, s.stopped = s.held[:i], "", true
			return emit, true
		}
		if begun {
			emit, s.held = s.held[:i], s.held[i:]
			return emit, false
		}
	}
	emit, s.held = s.held, ""
	return emit, false
}

// match reports whether a stop string lies at the start of text, and whether text may be the beginning of one.
func (s *Stops) match(text string) (complete, begun bool) {
	for _, stop := range s.stops {
		if strings.HasPrefix(text, stop) {
			return true, false
		}
		begun = begun || strings.HasPrefix(stop, text)
	}
	return false, begun
}

// Flush ends the text. It returns what was held back, up to the first stop string in it.
func (s *Stops) Flush() string {
	emit := s.held
	for i := range len(s.held) {
		if complete, _ := s.match(s.held[i:]); complete {
			emit = s.held[:i]
			break
		}
	}
	s.held, s.stopped = "", true
	return emit
}
