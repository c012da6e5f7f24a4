package gopkg

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"strings"
	"text/template"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/runtime"
)

//go:embed api.go.tmpl
var apiText string

var apiTemplate = template.Must(template.New("api.go").Parse(apiText))

// The tiles that generated packages use.
const (
	tilesPath = "github.com/llorch/llorch/gen/tiles"
	tiles     = "tiles.All()"
)

// api is what the template prints.
type api struct {
	Options []option
	Facts   []string

	Header, Name, Model, ManifestFile, WeightsFile, TilesPath, Tiles string
	Embed                                                            bool
}

// option is a function of the package that forwards to one of runtime/packaged.
type option struct{ Name, Param, Arg, Doc string }

// options are those of runtime/packaged.
var options = []option{
	{"Temperature", "t float64", "t", "divides the logits, 0.8 unless given; 0 always takes the likeliest token."},
	{"TopK", "k int", "k", "samples from the k likeliest tokens, 40 unless given; 0 is off."},
	{"TopP", "p float64", "p", "samples from the likeliest tokens that have probability p together, 0.95 unless given; 1 is off."},
	{"MinP", "p float64", "p", "drops tokens less likely than p times the likeliest, 0.05 unless given; 0 is off."},
	{"RepeatPenalty", "p float64", "p", "is the penalty on the last 64 tokens; 1 is off, and the default."},
	{"Seed", "n uint64", "n", "makes calls repeatable; without it each call draws a seed."},
	{"MaxTokens", "n int", "n", "is the most tokens to generate, 256 unless given; 0 is as many as the context takes."},
	{"Stop", "texts ...string", "texts...", "ends the text before the first of these strings."},
	{"Threads", "n int", "n", "is the number of worker threads, one a processor unless given. It is for the whole model, not for one call."},
}

// apiFile is NAME.go.
func apiFile(o Options, p *runtime.Program) ([]byte, error) {
	var out bytes.Buffer
	err := apiTemplate.Execute(&out, api{
		Header: gocpu.Header(p.Compiler, o.Source), Name: o.Name, Model: oneLine(p.Model), Embed: o.Embed,
		ManifestFile: runtime.ManifestFile, WeightsFile: runtime.WeightsFile, TilesPath: tilesPath, Tiles: tiles,
		Facts: facts(p), Options: options,
	})
	if err != nil {
		return nil, err
	}
	src, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", goFile(o.Name), err)
	}
	return src, nil
}

// facts are the model's numbers, for the package's documentation.
func facts(p *runtime.Program) []string {
	m := p.Memory()
	list := []string{
		fmt.Sprintf("architecture  %s", oneLine(p.Arch)),
		fmt.Sprintf("context       %d tokens", p.Context),
		fmt.Sprintf("vocabulary    %d tokens", p.Vocab),
		fmt.Sprintf("weights       %s in %d tensors", megabytes(m.Weights), len(p.Weights)),
		fmt.Sprintf("memory        %s for each sequence, %s for the step that runs", megabytes(m.KV), megabytes(m.Arena)),
	}
	for _, s := range p.Steps {
		list = append(list, fmt.Sprintf("%-13s %d kernel launches", s.Name, len(s.Launches)))
	}
	return list
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// oneLine keeps a name that a file gave from ending its comment.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}
