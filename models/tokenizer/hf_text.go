package tokenizer

import (
	"encoding/json"
	"slices"
)

// readText reads how text is prepared and cut, from the normalizer and the
// pre_tokenizer: one of
//
//   - NFC or no normalizer; any of Split, Digits and ByteLevel, the last ByteLevel;
//   - Prepend "▁" or nothing, then Replace " " by "▁"; no pre_tokenizer, or a Split at " ", of which none is left;
//   - no normalizer; Metaspace.
func (f *hfFile) readText(s *Spec) error {
	normalizers, err := components("normalizer", f.Normalizer)
	if err != nil {
		return err
	}
	cutters, err := components("pre_tokenizer", f.PreTokenizer)
	if err != nil {
		return err
	}
	if len(normalizers) == 1 && normalizers[0].kind == "NFC" {
		s.NFC, normalizers = true, nil
	}
	if len(normalizers) > 0 {
		s.Model = Ranked
		if i := slices.IndexFunc(cutters, func(c component) bool { return !c.atSpaces() }); i >= 0 {
			return cutters[i].refuse(" is not supported behind a normalizer")
		}
		return readNormalizer(s, normalizers)
	}
	switch last := len(cutters) - 1; {
	case last == 0 && cutters[0].kind == "Metaspace" && s.NFC:
		return cutters[0].refuse(" is not supported behind NFC")
	case last == 0 && cutters[0].kind == "Metaspace":
		s.Model = Ranked
		return readMetaspace(s, cutters[0])
	case last < 0 || cutters[last].kind != "ByteLevel":
		return Missingf("the tokenizer neither escapes spaces (Replace, Metaspace) nor is byte-level (ByteLevel), which is not supported")
	}
	s.Model = BPE
	return readCutters(s, cutters)
}

// atSpaces reports a Split at " ".
func (c component) atSpaces() bool {
	var set struct{ Pattern hfPattern }
	return c.kind == "Split" && json.Unmarshal(c.raw, &set) == nil && set.Pattern.String != nil && *set.Pattern.String == " "
}

// hfPattern is what Split and Replace look for.
type hfPattern struct {
	String *string
	Regex  *string
}

func readNormalizer(s *Spec, list []component) error {
	escapes := false
	for _, c := range list {
		var set struct {
			Type    string    `json:"type"`
			Prepend string    `json:"prepend"`
			Pattern hfPattern `json:"pattern"`
			Content string    `json:"content"`
		}
		if c.kind != "Prepend" && c.kind != "Replace" {
			return c.refuse(" is not supported, want Prepend or Replace")
		}
		if err := c.settings(&set); err != nil {
			return err
		}
		switch {
		case escapes:
			return c.refuse(" behind the Replace of spaces is not supported")
		case c.kind == "Prepend" && set.Prepend == space && !s.AddSpacePrefix:
			s.AddSpacePrefix = true
		case c.kind == "Replace" && set.Pattern.String != nil && *set.Pattern.String == " " && set.Content == space:
			escapes = true
		default:
			return c.refuse(": want %q put in front, once, and \" \" replaced by %q", space, space)
		}
	}
	if !escapes {
		return list[0].refuse(" without a Replace of \" \" by %q is not supported", space)
	}
	return nil
}

func readMetaspace(s *Spec, c component) error {
	split := true
	set := struct {
		Type        string  `json:"type"`
		Replacement string  `json:"replacement"`
		Str         string  `json:"str_rep"`
		Prefix      *bool   `json:"add_prefix_space"`
		Scheme      *string `json:"prepend_scheme"`
		Split       *bool   `json:"split"`
	}{Split: &split}
	if err := c.settings(&set); err != nil {
		return err
	}
	scheme := "always"
	switch {
	case set.Scheme != nil:
		scheme = *set.Scheme
	case set.Prefix != nil && !*set.Prefix:
		scheme = "never"
	}
	switch {
	case set.Replacement != space:
		return c.refuse(": replacement %q is not supported, want %q", set.Replacement, space)
	case split:
		return c.refuse(": split = true is not supported")
	case scheme != "always" && scheme != "first" && scheme != "never":
		return c.refuse(": prepend_scheme %q is not supported, want always, first or never", scheme)
	}
	s.AddSpacePrefix = scheme != "never"
	s.SpacePrefixOnce = scheme == "first"
	s.SpacePrefixMissing = s.AddSpacePrefix
	return nil
}

// readCutters finds the pre-tokenizer of the table that cuts by the same
// expressions.
func readCutters(s *Spec, list []component) error {
	var exprs []string
	for i, c := range list {
		expr, err := c.cutter(i == len(list)-1)
		if err != nil {
			return err
		}
		if expr != "" {
			exprs = append(exprs, expr)
		}
	}
	for _, p := range preTokenizers {
		if slices.EqualFunc(p.automata, exprs, func(a int, expr string) bool { return automata[a].expr == expr }) {
			s.Pre = p.names[0]
			return nil
		}
	}
	return Missingf("pre_tokenizer: the regular expressions %q are those of no pre-tokenizer known here", exprs)
}

// The expressions that Digits and ByteLevel stand for.
const (
	digitExpr  = `\p{N}`
	digitsExpr = `\p{N}+`
	gpt2Expr   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

// cutter is the expression that a component cuts by, "" for none.
func (c component) cutter(last bool) (string, error) {
	useRegex := true
	set := struct {
		Type       string    `json:"type"`
		Pattern    hfPattern `json:"pattern"`
		Behavior   string    `json:"behavior"`
		Invert     bool      `json:"invert"`
		Individual bool      `json:"individual_digits"`
		Prefix     bool      `json:"add_prefix_space"`
		Offsets    bool      `json:"trim_offsets"` // of no effect on ids
		UseRegex   *bool     `json:"use_regex"`
	}{UseRegex: &useRegex}
	switch c.kind {
	case "Split", "Digits", "ByteLevel":
	default:
		return "", c.refuse(" is not supported, want Split, Digits or ByteLevel")
	}
	if err := c.settings(&set); err != nil {
		return "", err
	}
	switch {
	case c.kind == "ByteLevel" && !last:
		return "", c.refuse(" is not supported in front of other pre-tokenizers")
	case c.kind == "ByteLevel" && set.Prefix:
		return "", c.refuse(": add_prefix_space = true is not supported")
	case c.kind == "ByteLevel" && useRegex:
		return gpt2Expr, nil
	case c.kind == "ByteLevel":
		return "", nil
	case c.kind == "Digits" && set.Individual:
		return digitExpr, nil
	case c.kind == "Digits":
		return digitsExpr, nil
	case set.Behavior != "Isolated" || set.Invert:
		return "", c.refuse(": behavior %q, invert %t is not supported, want \"Isolated\", false", set.Behavior, set.Invert)
	case set.Pattern.Regex == nil:
		return "", c.refuse(": is not by a regular expression, which is not supported")
	}
	return *set.Pattern.Regex, nil
}
