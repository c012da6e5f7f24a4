package main

import "strings"

// A row is a way to cut text into words. This table is the one place that says which there are: a name that it lacks is
// refused, and so is a tokenizer.json whose expressions are no row's.
//
// The expressions are those of the models' tokenizer.json. llama.cpp knows each row by the names (tokenizer.ggml.pre) and
// approximates some of its expressions, for want of classes in std::regex: see the package comment of tokenizer.
type row struct {
	names        string   // the first is the row's own
	exprs        []string // each cuts further what the ones before it left: the matches, and what lies between them
	ignoreMerges bool     // a word that is a piece is not merged
	addBOS       bool     // encodings begin with BOS unless the file says otherwise
	noBOS        bool     // there is no BOS unless the file names one
}

// What rows share.
const (
	gpt2     = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	digit    = `\p{N}`
	digits3  = `\p{N}{1,3}`
	ascii3   = `[0-9][0-9][0-9]`
	newlines = `[^\n]+|[\n]+`
	breaks   = "[\r\n]"

	english = `(?i:'s|'t|'re|'ve|'m|'ll|'d)` // contractions
	tail    = `|\s*[\r\n]+|\s+(?!\S)|\s+`
	rest    = `| ?[^\s\p{L}\p{N}]+[\r\n]*` + tail
	restOr  = `| ?[^\s\p{L}\p{N}]+[\r\n/]*` + tail // a slash goes with the line's end
	llama3  = english + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}` + rest
	qwen2   = english + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + rest

	upper  = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower  = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	capped = `[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+`
	caps   = `[^\r\n\p{L}\p{N}]?` + upper + `+` + lower + `*`
	gpt4o  = capped + english + `?|` + caps + english + `?|\p{N}{1,3}` + restOr

	cjk      = `[一-龥` + "\u3040" + `-ゟ゠-ヿ]+`
	cjkWide  = "[一-龥ࠀ-一가-\ud7ff]+"
	marked   = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" // a symbol goes with the ASCII word behind it
	deepseek = marked + "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
	spark    = marked + "| ?[\\p{P}\\p{S}]+|[\r\n]|\\s+(?!\\S)|\\s+"
	bloom    = ` ?[^(\s|.,!?…。，、।۔،)]+`
)

var rows = []row{
	{names: "gpt-2 phi-2 mpt olmo jais trillion granite-docling gigachat a.x-4.0 mellum exaone4", exprs: []string{gpt2}},
	{names: "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", exprs: []string{digit, gpt2}},
	{names: "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", exprs: []string{llama3}, ignoreMerges: true, addBOS: true},
	{names: "dbrx smaug-bpe", exprs: []string{llama3}},
	{names: "chatglm-bpe glm4", exprs: []string{llama3}, noBOS: true},
	{names: "qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 hunyuan megrez solar-open grok-2", exprs: []string{qwen2}},
	{names: "qwen35", exprs: []string{english + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*` + tail}},
	{names: "gpt-4o llama4 kanana2 talkie minimax-m2", exprs: []string{gpt4o}},
	{names: "tekken", exprs: []string{capped + `|` + caps + `|\p{N}` + restOr}, ignoreMerges: true, addBOS: true},
	{names: "deepseek-llm", exprs: []string{breaks, deepseekLetters, `\s?[!-/:-~！-／：-～‘-‟　-。]+`, `\s+$`, cjkWide, `\p{N}+`}},
	{names: "deepseek-coder", exprs: []string{breaks, `\s?\p{L}+`, `\s?\p{P}+`, cjkWide, digit}},
	{names: "deepseek-v3 hunyuan-dense hy_v4 joyai-llm", exprs: []string{digits3, cjk, deepseek}},
	{names: "spark2_5", exprs: []string{digits3, cjk, spark, digit}},
	{names: "youtu", exprs: []string{
		`[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|` + cjk,
		capped + english + `?|` + caps + english + `?|\p{N}` + restOr,
	}, ignoreMerges: true},
	{names: "kimi-k2", exprs: []string{`[\p{Han}]+|` +
		withoutHan(capped) + english + `?|` + withoutHan(caps) + english + `?|\p{N}{1,3}` + rest}},
	{names: "falcon", exprs: []string{"[\\p{P}\\$\\+<=>\\^~\\|`]+", gpt2, ascii3}},
	{names: "default", exprs: []string{`[\p{P}\$\+<=>\^~\|]+`, gpt2, `\p{N}+`, ascii3}},
	{names: "bloom gpt3-finnish poro-chat", exprs: []string{bloom}},
	{names: "viking", exprs: []string{bloom, digit}},
	{names: "chameleon", exprs: []string{
		`<sentinel:[0-9]+>`, `(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z`, "([\t\n]|    |  )", digit, "[\\p{P}!-/:-@\\[-`{-~]", gpt2,
	}, addBOS: true},
	{names: "bailingmoe bailingmoe2 llada-moe", exprs: []string{
		`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`}},
	{names: "seed-coder", exprs: []string{
		english + "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"}},
	{names: "exaone-moe", exprs: []string{
		english + `|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`}},
	{names: "minicpm5", exprs: []string{digits3, english + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+` + rest}, ignoreMerges: true},
	{names: "laguna", exprs: []string{newlines, qwen2}},
	{names: "ufakzeka", exprs: []string{`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + rest}},
}

// withoutHan takes the Han characters out of an expression's letters.
func withoutHan(expr string) string {
	return strings.NewReplacer(upper, upper[:len(upper)-1]+`&&[^\p{Han}]]`, lower, lower[:len(lower)-1]+`&&[^\p{Han}]]`).Replace(expr)
}

// deepseekLetters is DeepSeek LLM's idea of a letter.
const deepseekLetters = "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373" +
	"\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f" +
	"\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79" +
	"-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-" +
	"\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-" +
	"\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-" +
	"\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-" +
	"\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a" +
	"\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2" +
	"\U000118a0-\U000118df\U0001e900-\U0001e943]+"
