package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/llorch/llorch/models/gguf"
	"github.com/llorch/llorch/models/tokenizer"
)

// The files of a Hugging Face folder that say how to tokenize.
const (
	spmFile        = "tokenizer.model"
	tokenizerJSON  = "tokenizer.json" // read where there is no tokenizer.model
	templateFile   = "chat_template.jinja"
	tokenizerHFn   = "tokenizer_config.json"
	addedHFn       = "added_tokens.json"
	generationHFn  = "generation_config.json"
	addedDecoder   = "added_tokens_decoder"
	eosKey         = "eos_token_id"
	templateKey    = "chat_template"
	withoutSPMHint = "run with --ids to give token ids in place of text"
)

// OpenTokenizer reads the tokenizer at path, which is as for Open. Nothing else of the model needs to be there or
// supported: a GGUF of a vocabulary alone will do, and a folder with tokenizer.model or tokenizer.json.
func OpenTokenizer(path string) (*tokenizer.Spec, error) {
	at, isGGUF, err := locate(path)
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() && (exists(filepath.Join(path, spmFile)) || exists(filepath.Join(path, tokenizerJSON))) {
		at, isGGUF, err = path, false, nil
	}
	if err != nil {
		return nil, err
	}
	var s tokenizer.Spec
	if isGGUF {
		s, err = readTokenizerGGUF(at)
	} else {
		s, err = tokenizerHF(at)
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

func readTokenizerGGUF(path string) (tokenizer.Spec, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return tokenizer.Spec{}, err
	}
	s, err := tokenizer.FromGGUF(path, f)
	return s, errors.Join(err, f.Close())
}

// tokenizerHF reads a folder's tokenizer.model or tokenizer.json and what the folder's other files change of it: added
// tokens, whether an encoding has BOS and EOS, the ids that end a generation, and the chat template.
func tokenizerHF(dir string) (tokenizer.Spec, error) {
	file, read := filepath.Join(dir, spmFile), tokenizer.FromSentencePiece
	if !exists(file) {
		file, read = filepath.Join(dir, tokenizerJSON), tokenizer.FromTokenizerJSON
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return tokenizer.Spec{}, tokenizer.Missingf("%s: has no tokenizer, want %s or %s: %s", dir, spmFile, tokenizerJSON, withoutSPMHint)
	}
	if err != nil {
		return tokenizer.Spec{}, err
	}
	f := hfTokenizer{dir: dir, file: filepath.Base(file)}
	f.Spec, err = read(file, data)
	for _, change := range []func() error{f.addTokens, f.addDecoder, f.nameEnds, f.markEnds, f.readEOS, f.readTemplate} {
		if err == nil {
			err = change()
		}
	}
	return f.Spec, err
}

// hfTokenizer is the tokenizer of a folder, read from its file of this name.
type hfTokenizer struct {
	tokenizer.Spec
	dir, file string
}

// optionalObject reads a JSON file of the folder, nil without it.
func optionalObject(dir, name string) (*object, error) {
	file := filepath.Join(dir, name)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseObject(file, text)
}

// nameEnds reads which pieces are BOS and EOS, where tokenizer.json does not say.
func (s *hfTokenizer) nameEnds() error {
	o, err := optionalObject(s.dir, tokenizerHFn)
	if o == nil || s.file != tokenizerJSON {
		return err
	}
	for _, end := range []struct {
		key string
		id  *int32
	}{{"bos_token", &s.BOS}, {"eos_token", &s.EOS}} {
		text := o.tokenText(end.key)
		if text == "" || *end.id >= 0 {
			continue
		}
		i := slices.IndexFunc(s.Pieces, func(p tokenizer.Piece) bool { return p.Text == text })
		if i < 0 {
			o.fail(end.key, "%s has no %q", tokenizerJSON, text)
		}
		*end.id = int32(i)
	}
	s.EOG = slices.DeleteFunc(s.EOG, func(id int32) bool { return id == s.EOS })
	return o.err
}

// tokenText reads a token that is written as its text, or as an object with it; "" where it is absent.
func (o *object) tokenText(key string) string {
	if !o.has(key) {
		return ""
	}
	if o.raw[key][0] != '{' {
		return o.string(key, "")
	}
	text := ""
	if in := o.object(key); in != nil {
		text = in.string("content", "")
		o.take(in)
	}
	return text
}

// readTemplate reads the chat template: a file of its own, or tokenizer_config.json's, of several the one called default.
func (s *hfTokenizer) readTemplate() error {
	text, err := os.ReadFile(filepath.Join(s.dir, templateFile))
	if err == nil {
		s.ChatTemplate = string(text)
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	o, err := optionalObject(s.dir, tokenizerHFn)
	if o == nil || !o.has(templateKey) {
		return err
	}
	if o.raw[templateKey][0] != '[' {
		s.ChatTemplate = o.string(templateKey, "")
		return o.err
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(o.raw[templateKey], &list); err != nil {
		o.fail(templateKey, "found %s, want a string or a list of names and templates", o.shown(templateKey))
	}
	for _, t := range list {
		if t.Name == "default" {
			s.ChatTemplate = t.Template
		}
	}
	return o.err
}

// markEnds reads whether encodings begin with BOS and end with EOS.
func (s *hfTokenizer) markEnds() error {
	o, err := optionalObject(s.dir, tokenizerHFn)
	if o == nil {
		return err
	}
	if o.has("add_bos_token") {
		s.AddBOS = o.bool("add_bos_token", s.AddBOS)
	}
	if o.has("add_eos_token") {
		s.AddEOS = o.bool("add_eos_token", s.AddEOS)
	}
	if s.AddBOS && s.BOS < 0 {
		o.fail("add_bos_token", "is true, but %s has no BOS", s.file)
	}
	if s.AddEOS && s.EOS < 0 {
		o.fail("add_eos_token", "is true, but %s has no EOS", s.file)
	}
	return o.err
}

// readEOS adds the ids that end a generation: those of generation_config.json, or without any those of config.json.
func (s *hfTokenizer) readEOS() error {
	for _, name := range []string{generationHFn, configHFn} {
		o, err := optionalObject(s.dir, name)
		if err != nil {
			return err
		}
		if o == nil || !o.has(eosKey) {
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal(o.raw[eosKey], &list) != nil { // no list
			list = []json.RawMessage{o.raw[eosKey]}
		}
		for _, raw := range list {
			id, err := strconv.ParseInt(string(raw), 10, 32)
			if err != nil || id < 0 || int(id) >= len(s.Pieces) {
				o.fail(eosKey, "found %s, want ids of 0 to %d", o.shown(eosKey), len(s.Pieces)-1)
				return o.err
			}
			if int32(id) != s.EOS && !slices.Contains(s.EOG, int32(id)) {
				s.EOG = append(s.EOG, int32(id))
			}
		}
		return nil
	}
	return nil
}

// addTokens reads added_tokens.json, an older file: text to id.
func (s *hfTokenizer) addTokens() error {
	o, err := optionalObject(s.dir, addedHFn)
	if o == nil {
		return err
	}
	added := map[int64]tokenizer.Piece{}
	for _, text := range o.keys {
		id, err := strconv.ParseInt(string(o.raw[text]), 10, 32)
		if err != nil {
			o.fail(strconv.Quote(text), "found %s, want an id", o.shown(text))
			return o.err
		}
		added[id] = tokenizer.Piece{Text: text, Type: tokenizer.UserDefined}
	}
	return s.appendPieces(o.place, added)
}

// addDecoder reads tokenizer_config.json's added_tokens_decoder: id to text and whether it is special.
func (s *hfTokenizer) addDecoder() error {
	o, err := optionalObject(s.dir, tokenizerHFn)
	if o == nil {
		return err
	}
	list := o.object(addedDecoder)
	if list == nil {
		return o.err
	}
	added := map[int64]tokenizer.Piece{}
	for _, key := range list.keys {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return fmt.Errorf("%s: %q is no id", list.place, key)
		}
		piece := tokenizer.Piece{Type: tokenizer.UserDefined}
		if in := list.object(key); in != nil {
			piece.Text = in.string("content", "")
			if in.bool("special", false) {
				piece.Type = tokenizer.Control
			}
			list.take(in)
		}
		added[id] = piece
	}
	if list.err != nil {
		return list.err
	}
	return s.appendPieces(list.place, added)
}

// appendPieces adds the pieces whose ids follow the vocabulary; those within it must say what it says.
func (s *hfTokenizer) appendPieces(place string, added map[int64]tokenizer.Piece) error {
	for _, id := range slices.Sorted(maps.Keys(added)) {
		piece, size := added[id], int64(len(s.Pieces))
		switch {
		case id < 0 || id > size:
			return fmt.Errorf("%s: token %d %q: the vocabulary has %d pieces, want the next id", place, id, piece.Text, size)
		case id == size:
			s.Pieces = append(s.Pieces, piece)
		case s.Pieces[id].Text != piece.Text:
			return fmt.Errorf("%s: token %d %q: %s has %q there", place, id, piece.Text, s.file, s.Pieces[id].Text)
		case piece.Type == tokenizer.Control && s.Pieces[id].Type == tokenizer.UserDefined:
			s.Pieces[id].Type = tokenizer.Control // added_tokens.json does not say which are special
		}
	}
	return nil
}
