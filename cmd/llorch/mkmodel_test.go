package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
)

// mkmodel writes a tiny Llama with random weights: mkmodel FILE.gguf [CHAT-TEMPLATE]. Its vocabulary is the bytes and a few pieces.
func mkmodel() {
	if err := os.WriteFile(os.Args[1], tinyGGUF(os.Args[2:]...), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// gguf builds a file.
type gguf struct {
	kv, infos, data bytes.Buffer
	keys, tensors   uint64
}

func le(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) }

func str(b *bytes.Buffer, s string) {
	le(b, uint64(len(s)))
	b.WriteString(s)
}

func (g *gguf) set(key string, typ uint32, value func(b *bytes.Buffer)) {
	str(&g.kv, key)
	le(&g.kv, typ)
	value(&g.kv)
	g.keys++
}

func (g *gguf) uint(key string, v uint32)   { g.set(key, 4, func(b *bytes.Buffer) { le(b, v) }) }
func (g *gguf) float(key string, v float32) { g.set(key, 6, func(b *bytes.Buffer) { le(b, v) }) }
func (g *gguf) text(key, v string)          { g.set(key, 8, func(b *bytes.Buffer) { str(b, v) }) }
func (g *gguf) array(key string, typ uint32, n int, each func(b *bytes.Buffer, i int)) {
	g.set(key, 9, func(b *bytes.Buffer) {
		le(b, typ)
		le(b, uint64(n))
		for i := range n {
			each(b, i)
		}
	})
}

// tensor adds f32 values; dims are in GGUF's order, fastest first.
func (g *gguf) tensor(name string, value func() float32, dims ...uint64) {
	str(&g.infos, name)
	le(&g.infos, uint32(len(dims)))
	n := uint64(1)
	for _, d := range dims {
		le(&g.infos, d)
		n *= d
	}
	le(&g.infos, uint32(0))
	le(&g.infos, uint64(g.data.Len()))
	for range n {
		le(&g.data, value())
	}
	for g.data.Len()%32 != 0 {
		g.data.WriteByte(0)
	}
	g.tensors++
}

func (g *gguf) bytes() []byte {
	var b bytes.Buffer
	b.WriteString("GGUF")
	le(&b, uint32(3))
	le(&b, g.tensors)
	le(&b, g.keys)
	b.Write(g.kv.Bytes())
	b.Write(g.infos.Bytes())
	for b.Len()%32 != 0 {
		b.WriteByte(0)
	}
	b.Write(g.data.Bytes())
	return b.Bytes()
}

func tinyGGUF(template ...string) []byte {
	const embd, ffn, heads, kvHeads, layers = 24, 28, 3, 1, 2
	pieces := []string{"<unk>", "<s>", "</s>"}
	for i := range 256 {
		pieces = append(pieces, fmt.Sprintf("<0x%02X>", i))
	}
	pieces = append(pieces, "▁", "a", "b", "▁a", "ab", "▁ab", "c", "▁c")
	g := &gguf{}
	g.text("general.architecture", "llama")
	g.text("general.name", "tiny")
	g.uint("llama.context_length", 48)
	g.uint("llama.embedding_length", embd)
	g.uint("llama.block_count", layers)
	g.uint("llama.feed_forward_length", ffn)
	g.uint("llama.rope.dimension_count", embd/heads)
	g.uint("llama.attention.head_count", heads)
	g.uint("llama.attention.head_count_kv", kvHeads)
	g.float("llama.attention.layer_norm_rms_epsilon", 1e-5)
	g.text("tokenizer.ggml.model", "llama")
	g.array("tokenizer.ggml.tokens", 8, len(pieces), func(b *bytes.Buffer, i int) { str(b, pieces[i]) })
	g.array("tokenizer.ggml.scores", 6, len(pieces), func(b *bytes.Buffer, i int) { le(b, float32(-i)) })
	g.array("tokenizer.ggml.token_type", 5, len(pieces), func(b *bytes.Buffer, i int) { le(b, pieceType(pieces[i], i)) })
	g.uint("tokenizer.ggml.bos_token_id", 1)
	g.uint("tokenizer.ggml.eos_token_id", 2)
	for _, text := range template {
		g.text("tokenizer.chat_template", text)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	normal := func(in int) func() float32 {
		return func() float32 { return float32(rng.NormFloat64() / math.Sqrt(float64(in))) }
	}
	one := func() float32 { return 1 + float32(rng.NormFloat64()*0.1) }
	g.tensor("token_embd.weight", normal(1), embd, uint64(len(pieces)))
	for i := range layers {
		p := fmt.Sprintf("blk.%d.", i)
		g.tensor(p+"attn_norm.weight", one, embd)
		g.tensor(p+"attn_q.weight", normal(embd), embd, embd)
		g.tensor(p+"attn_k.weight", normal(embd), embd, embd/heads*kvHeads)
		g.tensor(p+"attn_v.weight", normal(embd), embd, embd/heads*kvHeads)
		g.tensor(p+"attn_output.weight", normal(embd), embd, embd)
		g.tensor(p+"ffn_norm.weight", one, embd)
		g.tensor(p+"ffn_gate.weight", normal(embd), embd, ffn)
		g.tensor(p+"ffn_up.weight", normal(embd), embd, ffn)
		g.tensor(p+"ffn_down.weight", normal(ffn), ffn, embd)
	}
	g.tensor("output_norm.weight", one, embd)
	return g.bytes()
}

// pieceType numbers a piece's type as GGUF does: normal, unknown, control, byte.
func pieceType(piece string, i int) int32 {
	switch {
	case i == 0:
		return 2
	case i < 3:
		return 3
	case strings.HasPrefix(piece, "<0x"):
		return 6
	}
	return 1
}
