package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.com/storyteller/story"
)

var greedy = []story.Option{story.Temperature(0), story.MaxTokens(9)}

// TestGoroutinesShareAModel: texts that are generated at the same time are those that are generated alone.
func TestGoroutinesShareAModel(t *testing.T) {
	m := story.New(greedy...)
	prompts := []string{"a", "ab c", "", "c c c"}
	want := map[string]string{}
	for _, p := range prompts {
		text, err := story.New(greedy...).Generate(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		want[p] = text
	}
	var wg sync.WaitGroup
	for i := range 12 {
		prompt := prompts[i%len(prompts)]
		wg.Go(func() {
			if text, err := m.Generate(t.Context(), prompt); err != nil || text != want[prompt] {
				t.Errorf("%q: %q, %v, want %q", prompt, text, err, want[prompt])
			}
		})
	}
	wg.Wait()
}

// TestCallInsideAStream: a loop over one text may ask for another.
func TestCallInsideAStream(t *testing.T) {
	m := story.New(greedy...)
	var outer strings.Builder
	for piece, err := range m.Stream(t.Context(), "a") {
		if err != nil {
			t.Fatal(err)
		}
		outer.WriteString(piece)
		if _, err := m.Generate(t.Context(), "c", story.MaxTokens(1)); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := m.Generate(t.Context(), "a"); err != nil || text != outer.String() {
		t.Errorf("%q, %v, want %q", text, err, &outer)
	}
}

func TestEnds(t *testing.T) {
	m := story.New(greedy...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pieces := 0
	var last error
	for _, err := range m.Stream(ctx, "a", story.MaxTokens(0)) {
		cancel()
		pieces++
		last = err
	}
	if pieces != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled after one piece: %d pieces, then %v", pieces, last)
	}
	for range m.Stream(t.Context(), "a") {
		break
	}
	for _, c := range []struct {
		opts []story.Option
		want string
	}{
		{[]story.Option{story.Temperature(-1)}, "story: sample: temperature is -1, want a finite number, 0 (greedy) or more"},
		{[]story.Option{story.MaxTokens(-1)}, "story: MaxTokens is -1, want 0 or more"},
		{[]story.Option{story.Stop("x", "")}, "story: sample: stop string 2 of 2 is empty"},
		{[]story.Option{story.Threads(2)}, "story: the option Threads is for the whole model, not for one call"},
	} {
		if _, err := m.Generate(t.Context(), "a", c.opts...); fmt.Sprint(err) != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Generate(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %v", err)
	}
}

// TestOptions: each of these leaves the likeliest token alone to choose from, and a text that began with the stop string ends.
func TestOptions(t *testing.T) {
	want, err := story.New(greedy...).Generate(t.Context(), "a")
	if err != nil || want == "" {
		t.Fatal(want, err)
	}
	for name, opt := range map[string]story.Option{"TopK": story.TopK(1), "TopP": story.TopP(1e-9), "MinP": story.MinP(1)} {
		m := story.New(opt, story.Threads(1), story.RepeatPenalty(1))
		defer m.Close()
		if text, err := m.Generate(t.Context(), "a", story.MaxTokens(9), story.Seed(5)); err != nil || text != want {
			t.Errorf("%s: %q, %v, want %q", name, text, err, want)
		}
	}
	if text, err := story.New(greedy...).Generate(t.Context(), "a", story.Stop(want[:1])); err != nil || text != "" {
		t.Errorf("stopped: %q, %v", text, err)
	}
}
