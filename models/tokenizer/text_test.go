package tokenizer_test

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// atoms are what random texts are made of, one kind a line.
var atoms = [][]string{
	strings.Fields("the of and to in is was Hello world Once upon a time llama tokenizer unbelievable antidisestablishmentarianism I'm don't"),
	strings.Fields("'s 'S 't 'T 're 'Re 'rE 've 'VE 'm 'M 'll 'LL 'lL 'd 'D 'ſ 'K 's's 'l 'r 'x ''s she'd WE'LL l'été ’s"),
	{" ", "  ", "   ", "       ", "\t", "\t\t", "\n", "\n\n\n", "\r", "\r\n", "\r\n\r\n", " \n", "\n ", "\t \n ", "\v", "\f", "\x1c", "\x1d\x1e\x1f", "\u0085", "\u00a0", "\u1680", "\u180e", "\u2003", "\u2009\u200a", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"},
	{"0", "1", "12", "007", "1984", "12345", "3.14159", "1,000,000", "0xDEADBEEF", "1e-9", "²³", "½", "٣٤", "१२३४", "Ⅷ", "①②", "𝟙𝟚𝟛", "１２３", "一二三"},
	{"func main() {\n\tfmt.Println(\"hi\")\n}", "if (a != b) { return; }", "x += 1;", "def f(x):\n    return x**2\n", "</div>", "#include <stdio.h>", "a->b", "::", "/* */", "$HOME/.cache", `\n`, `C:\dir`, "!important", "//\n//\n", "#define X\n\n"},
	{"😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "✊🏿", "☃", "🦙", "𝕳", "𐍈", "1️⃣", "❤️"},
	{"日本語", "你好，世界", "ひらがな", "カタカナー", "한국어", "ㄱㄴ", "ㄅㄆ", "ไทย", "ພາສາ", "العربية", "עִבְרִית", "हिन्दी", "বাংলা", "தமிழ்", "Привет", "Ελληνικά", "Größe", "naïve", "ﬁ", "e\u0301", "a\u0300\u0301\u0302", "\u0301", "İ", "ẞ", "ǅ", "ʰ", "Ꮳ", "ꙮ", "𞤀", "CamelCase", "HTTPServer"},
	{"<s>", "</s>", "<unk>", "<s", "/s>", "<0x0A>", "<0xFF>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\n", "<repo_name>", "<jupyter_code>", "<|im_end", "[INST]", "<<SYS>>", "<pad>"},
	{"▁", "▁▁", "▁the", "a▁b", "Ġ", "Ġthe", "Ċ", "Ã©"},
	{"\xff", "\xfe\xff", "\xc3", "\xc3(", "\xe2\x96", "\xe2", "\xf0\x9f", "\xf0\x9f\x98", "\x80", "\xbf\xbf", "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80", "\xc0\x80", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x88\x80\x80\x80", "\x01", "\x7f", "\x1b[0m"},
	strings.Split("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~…—“”‘’«»。、！？·°€£¥©®™§¶†", ""),
	{"aaaaaaaa", "=======", "----------------", "hahahaha", "........", "ssssssss"},
}

// blocks begin stretches of Unicode that random characters are taken from, so
// that scripts meet themselves.
var blocks = []rune{0x00, 0x80, 0x100, 0x250, 0x2b0, 0x300, 0x370, 0x400, 0x530, 0x590, 0x600, 0x900, 0xe00, 0x1100, 0x1e00, 0x1f00, 0x2000, 0x2080, 0x2100, 0x2460, 0x2600, 0x2c00, 0x2e80, 0x3000, 0x3100, 0x4e00, 0xa640, 0xac00, 0xd7b0, 0xe000, 0xfb00, 0xfe00, 0xff00, 0x10000, 0x10400, 0x118a0, 0x1d400, 0x1d7c0, 0x1e900, 0x1f100, 0x1f300, 0x1f600, 0x20000, 0x2f800, 0x30000, 0xe0000, 0xf0000, 0x10ff80}

// randomText returns text without NUL, which separates texts on their way to
// llama.cpp. Where beyond is set it may spell characters beyond U+10FFFF, whose
// words llama.cpp ends the process over.
func randomText(r *rand.Rand, beyond bool) string {
	var b strings.Builder
	for n := 1 + r.IntN(14); n > 0; n-- {
		switch kind := r.IntN(len(atoms) + 6); {
		case kind < len(atoms):
			b.WriteString(atoms[kind][r.IntN(len(atoms[kind]))])
		case kind == len(atoms): // any character
			b.WriteRune(rune(1 + r.IntN(unicode.MaxRune)))
		case kind == len(atoms)+1: // a few of the same block
			block := blocks[r.IntN(len(blocks))]
			for range 1 + r.IntN(4) {
				b.WriteRune(max(1, block+rune(r.IntN(0x80))))
			}
		case kind == len(atoms)+2: // any bytes
			for range 1 + r.IntN(6) {
				c := byte(1 + r.IntN(255))
				if !beyond && c >= 0xf4 && c < 0xf8 {
					c = 0xf3
				}
				b.WriteByte(c)
			}
		case kind == len(atoms)+3: // letters
			for range 1 + r.IntN(20) {
				b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDETS eeeettaa"[r.IntN(42)])
			}
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
