package tokenizer_test

import (
	"math/rand/v2"
	"strings"
)

// atoms are what random texts are made of, one kind a line.
var atoms = [][]string{
	strings.Fields("the of and to in is was Hello world Once upon a time llama tokenizer unbelievable antidisestablishmentarianism I'm don't"),
	{" ", "  ", "   ", "       ", "\t", "\t\t", "\n", "\n\n\n", "\r\n", "\v", "\f", "\u00a0", "\u3000", "\u200b", "\u2028", "\ufeff"},
	{"0", "1", "12", "007", "1984", "3.14159", "1,000,000", "0xDEADBEEF", "1e-9", "²³", "٣٤", "Ⅷ"},
	{"func main() {\n\tfmt.Println(\"hi\")\n}", "if (a != b) { return; }", "x += 1;", "def f(x):\n    return x**2\n", "</div>", "#include <stdio.h>", "a->b", "::", "/* */", "$HOME/.cache", `\n`, `C:\dir`},
	{"😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "✊🏿", "☃", "🦙", "𝕳", "𐍈"},
	{"日本語", "你好，世界", "한국어", "ไทย", "العربية", "עברית", "हिन्दी", "Привет", "Ελληνικά", "Größe", "naïve", "ﬁ", "e\u0301", "İ", "ẞ", "Ꮳ", "ꙮ"},
	{"<s>", "</s>", "<unk>", "<s", "/s>", "<0x0A>", "<0xFF>", "<|im_end|>", "[INST]", "<<SYS>>", "<pad>"},
	{"▁", "▁▁", "▁the", "a▁b"},
	{"\xff", "\xfe\xff", "\xc3", "\xc3(", "\xe2\x96", "\xe2", "\xf0\x9f", "\xf0\x9f\x98", "\x80", "\xbf\xbf", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\x01", "\x7f", "\x1b[0m"},
	strings.Split("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~…—“”‘’«»", ""),
	{"aaaaaaaa", "=======", "----------------", "hahahaha", "........", "ssssssss"},
}

// randomText returns text without NUL, which separates texts on their way to llama.cpp.
func randomText(r *rand.Rand) string {
	var b strings.Builder
	for n := 1 + r.IntN(14); n > 0; n-- {
		switch kind := r.IntN(len(atoms) + 4); {
		case kind < len(atoms):
			b.WriteString(atoms[kind][r.IntN(len(atoms[kind]))])
		case kind == len(atoms): // any character
			b.WriteRune(rune(1 + r.IntN(0x10ffff)))
		case kind == len(atoms)+1: // any bytes
			for range 1 + r.IntN(6) {
				b.WriteByte(byte(1 + r.IntN(255)))
			}
		case kind == len(atoms)+2: // letters
			for range 1 + r.IntN(20) {
				b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDETS eeeettaa"[r.IntN(42)])
			}
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
