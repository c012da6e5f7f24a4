package packaged_test

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
	"github.com/llorch/llorch/gen"
	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/kernel"
	"github.com/llorch/llorch/models"
	"github.com/llorch/llorch/models/tokenizer"
	"github.com/llorch/llorch/runtime"
	"github.com/llorch/llorch/runtime/packaged"
)

const vocab = "abcdefghijklmnop"

// random is the weights of a small model: any numbers of about unit size.
type random struct{}

func (random) Close() error { return nil }

func (random) Data(t *runtime.Tensor) ([]byte, error) {
	rng := rand.New(rand.NewPCG(1, uint64(t.Bytes)))
	b := make([]byte, 0, t.Bytes)
	for range t.Bytes / 4 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(rng.NormFloat64())/2))
	}
	return b, nil
}

// files are the manifest and the weights of a small model, for the built-in kernels.
func files(t *testing.T) (dir string, p packaged.Package) {
	c := models.Config{
		Arch: "llama", Vocab: 4 + len(vocab), Embd: 16, Layers: 1, Heads: 2, KVHeads: 2, HeadDim: 8, FFN: 20, Context: 40, NormEps: 1e-5,
		Rope: models.Rope{Theta: 10000, Width: 8, Style: "half"},
	}
	g := models.Llama(c, models.Options{KV: kernel.F32, Weight: func(string) ir.DType { return kernel.F32 }})
	done, err := codegen.Compile(g, codegen.Options{Target: packaged.Target})
	require.NoError(t, err)
	spec := &tokenizer.Spec{Model: tokenizer.SPM, BOS: 1, EOS: -1, AddBOS: true, AddSpacePrefix: true, Pieces: []tokenizer.Piece{
		{Text: "<unk>", Type: tokenizer.Unknown}, {Text: "<s>", Type: tokenizer.Control}, {Text: "</s>", Type: tokenizer.Control}, {Text: "▁", Type: tokenizer.Normal},
	}}
	for _, r := range vocab {
		spec.Pieces = append(spec.Pieces, tokenizer.Piece{Text: string(r), Type: tokenizer.Normal})
	}
	done.Program.Tokenizer = spec
	dir = t.TempDir()
	require.NoError(t, runtime.WriteData(dir, done.Program, random{}))
	p = packaged.Package{Name: "story", Kernels: gen.Library().Kernels, Tiles: gen.Library().Tiles}
	p.Manifest, err = os.ReadFile(filepath.Join(dir, runtime.ManifestFile))
	require.NoError(t, err)
	p.Weights, err = os.ReadFile(filepath.Join(dir, runtime.WeightsFile))
	require.NoError(t, err)
	return dir, p
}

var greedy = []packaged.Option{packaged.Temperature(0), packaged.MaxTokens(8)}

func generate(t *testing.T, m *packaged.Model, prompt string, opts ...packaged.Option) string {
	text, err := m.Generate(t.Context(), prompt, opts...)
	require.NoError(t, err)
	return text
}

// TestOneTextWhateverTheWay: embedded or opened, alone or beside others, whole or in pieces.
func TestOneTextWhateverTheWay(t *testing.T) {
	dir, p := files(t)
	m := packaged.New(p, greedy...)
	defer m.Close()
	want := generate(t, m, "abc")
	require.Len(t, want, 8)
	require.Equal(t, want, generate(t, m, "abc"), "the next call begins anew")

	q := p
	q.Weights = nil
	opened, err := packaged.Open(q, filepath.Join(dir, runtime.WeightsFile), greedy...)
	require.NoError(t, err)
	require.Equal(t, want, generate(t, opened, "abc"))
	require.NoError(t, opened.Close())

	var pieces []string
	for piece, err := range m.Stream(t.Context(), "abc") {
		require.NoError(t, err)
		pieces = append(pieces, piece)
	}
	require.Len(t, pieces, 8)
	require.Equal(t, want, strings.Join(pieces, ""))

	var wg sync.WaitGroup
	fresh := packaged.New(p, greedy...)
	defer fresh.Close()
	for range 6 {
		wg.Go(func() {
			text, err := fresh.Generate(t.Context(), "abc")
			if err != nil || text != want {
				t.Errorf("beside others: %q, %v, want %q", text, err, want)
			}
		})
	}
	wg.Wait()
}

func TestOptions(t *testing.T) {
	_, p := files(t)
	m := packaged.New(p, packaged.Threads(1), packaged.MaxTokens(12))
	defer m.Close()
	want := generate(t, m, "abc", packaged.Temperature(0))
	require.Equal(t, want, generate(t, m, "abc", packaged.TopK(1)))
	require.Equal(t, want, generate(t, m, "abc", packaged.TopP(1e-9)))
	require.Equal(t, want, generate(t, m, "abc", packaged.MinP(1)))
	require.Equal(t, want[:3], generate(t, m, "abc", packaged.Temperature(0), packaged.MaxTokens(3)))
	require.Equal(t, want[:strings.Index(want, want[3:5])], generate(t, m, "abc", packaged.Temperature(0), packaged.Stop(want[3:5])))
	require.NotEqual(t, want, generate(t, m, "abc", packaged.Temperature(0), packaged.RepeatPenalty(1e6)))
	require.Greater(t, len(generate(t, m, "abc", packaged.Temperature(0), packaged.MaxTokens(0))), 12, "as many as the context takes")

	hot := []packaged.Option{packaged.Temperature(5), packaged.TopK(0), packaged.TopP(1), packaged.MinP(0), packaged.MaxTokens(30)}
	seeded := append([]packaged.Option{packaged.Seed(7)}, hot...)
	require.Equal(t, generate(t, m, "abc", seeded...), generate(t, m, "abc", seeded...))
	require.NotEqual(t, generate(t, m, "abc", hot...), generate(t, m, "abc", hot...), "each call draws a seed")

	for _, c := range []struct {
		opt  packaged.Option
		want string
	}{
		{packaged.Temperature(-1), "story: sample: temperature is -1, want a finite number, 0 (greedy) or more"},
		{packaged.TopP(2), "story: sample: top_p is 2, want 0 (off) to 1 (off)"},
		{packaged.MaxTokens(-1), "story: MaxTokens is -1, want 0 or more"},
		{packaged.Threads(-1), "story: Threads is -1, want 0 or more"},
		{packaged.Stop("a", ""), "story: sample: stop string 2 of 2 is empty"},
	} {
		_, err := m.Generate(t.Context(), "abc", c.opt)
		require.EqualError(t, err, c.want)
		_, err = packaged.New(p, c.opt).Generate(t.Context(), "abc")
		require.EqualError(t, err, c.want)
	}
	_, err := m.Generate(t.Context(), "abc", packaged.Threads(2))
	require.EqualError(t, err, "story: the option Threads is for the whole model, not for one call")
	_, err = packaged.Open(p, "nowhere", packaged.TopK(-1))
	require.EqualError(t, err, "story: sample: top_k is -1, want 0 (off) or more")
}

// TestEnds: a loop that is left, a context that ends, a model that is closed.
func TestEnds(t *testing.T) {
	_, p := files(t)
	m := packaged.New(p, greedy...)
	want := generate(t, m, "abc")
	for piece := range m.Stream(t.Context(), "abc") {
		require.Equal(t, want[:1], piece)
		break
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var got string
	for piece, err := range m.Stream(ctx, "abc") {
		if got += piece; len(got) == 3 {
			cancel(cause)
		}
		if len(got) > 3 || err != nil {
			require.ErrorIs(t, err, cause)
		}
	}
	require.Equal(t, want[:3], got)
	text, err := m.Generate(ctx, "abc")
	require.EqualError(t, err, "story: enough")
	require.Empty(t, text)

	got = ""
	for piece, err := range m.Stream(t.Context(), "abc") {
		got += piece
		if len(got) == 2 {
			require.NoError(t, m.Close())
		}
		if piece == "" {
			require.ErrorContains(t, err, "the model is closed")
		}
	}
	require.Equal(t, want[:2], got)
	require.NoError(t, m.Close())
	_, err = m.Generate(t.Context(), "abc")
	require.ErrorContains(t, err, "the model is closed")

	never := packaged.New(p)
	require.NoError(t, never.Close())
	_, err = never.Generate(t.Context(), "abc")
	require.EqualError(t, err, "story: the model is closed")
}

// TestBrokenPackages: files that do not belong together are errors of the first call and of each after it, and leave no workers.
func TestBrokenPackages(t *testing.T) {
	dir, good := files(t)
	before := goruntime.NumGoroutine()
	for _, c := range []struct {
		name  string
		spoil func(p *packaged.Package)
		want  string
	}{
		{"no manifest", func(p *packaged.Package) { p.Manifest = nil }, "story: manifest.json: the file is empty"},
		{"cut weights", func(p *packaged.Package) { p.Weights = p.Weights[:100] }, "story: weights.bin: 100 bytes, the manifest says "},
		{"no kernels", func(p *packaged.Package) { p.Kernels = nil }, "story: kernel "},
		{"one kernel less", func(p *packaged.Package) {
			p.Kernels = maps.Clone(p.Kernels)
			for key := range p.Kernels {
				if strings.Contains(string(p.Manifest), key) {
					delete(p.Kernels, key)
					break
				}
			}
		}, "is not in the package, whose files are not of one compilation: generate it again"},
		{"no tiles", func(p *packaged.Package) { p.Tiles = nil }, "has no tile"},
	} {
		p := good
		c.spoil(&p)
		m := packaged.New(p)
		for range 2 {
			_, err := m.Generate(t.Context(), "abc")
			require.ErrorContains(t, err, c.want, c.name)
		}
		require.NoError(t, m.Close())
	}
	weights := filepath.Join(dir, runtime.WeightsFile)
	require.NoError(t, os.Truncate(weights, 65536))
	_, err := packaged.Open(good, weights)
	require.ErrorContains(t, err, "story: "+weights+": weights.bin: 65536 bytes, the manifest says ")
	_, err = packaged.Open(good, filepath.Join(dir, "missing.bin"))
	require.ErrorContains(t, err, "story: open ")
	for end := time.Now().Add(time.Second); goruntime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	require.LessOrEqual(t, goruntime.NumGoroutine(), before, "workers are left")
}
