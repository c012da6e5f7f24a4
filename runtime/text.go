package runtime

import (
	"strings"

	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime/sample"
)

// text turns a generation's ids into text: through the tokenizer, which waits for whole characters, and the stop strings,
// which wait while one may be beginning.
type text struct {
	stream *tokenizer.Stream
	stops  *sample.Stops
	held   int             // bytes pushed into stops and not emitted; more than none after Flush means that one was found
	out    strings.Builder // what was emitted
}

func newText(opt Options, history []int32) (*text, error) {
	stops, err := sample.NewStops(opt.Stop)
	if err != nil {
		return nil, err
	}
	return &text{stream: opt.Tokenizer.Stream(history), stops: stops}, nil
}

// next returns the text that id made certain, and whether a stop string ends it.
func (t *text) next(id int32) (string, bool) { return t.push(t.stream.Next(id)) }

// flush returns the rest of the text, and whether a stop string ends it.
func (t *text) flush() (string, bool) {
	out, stopped := t.push(t.stream.Flush())
	if stopped {
		return out, true
	}
	rest := t.stops.Flush()
	t.out.WriteString(rest)
	return out + rest, t.held > len(rest)
}

func (t *text) push(s string) (string, bool) {
	out, stopped := t.stops.Push(s)
	t.held += len(s) - len(out)
	t.out.WriteString(out)
	return out, stopped
}
