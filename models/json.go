package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// object is a JSON object of a configuration file. Its readers return a default where the key is absent; where the value
// is not what they want they keep an error in err, the first of them, which names the file and the key.
type object struct {
	place string   // "config.json", or "config.json: rope_scaling" for one inside
	keys  []string // in file order
	raw   map[string]json.RawMessage
	err   error
}

// parseObject refuses duplicate keys, which encoding/json would merge.
func parseObject(place string, text []byte) (*object, error) {
	o := &object{place: place, raw: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(text))
	err := o.parse(d)
	switch {
	case err == nil:
		return o, nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("at byte %d: the JSON ends too early", d.InputOffset())
	case errors.As(err, new(*json.SyntaxError)):
		err = fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
	}
	return nil, fmt.Errorf("%s: %w", place, err)
}

func (o *object) parse(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return errors.New("found no object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)                              // the decoder lets nothing else stand here
		if strings.ContainsFunc(key, unicode.IsControl) { // errors and warnings show it
			return fmt.Errorf("key %q has control characters", key)
		}
		if _, ok := o.raw[key]; ok {
			return fmt.Errorf("duplicate key %q", key)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		o.keys, o.raw[key] = append(o.keys, key), v
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("found more behind the object, want the end of the file")
	}
	return nil
}

func (o *object) fail(key, format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %s: %s", o.place, key, fmt.Sprintf(format, args...))
	}
}

// has reports a key with a value other than null.
func (o *object) has(key string) bool {
	v, ok := o.raw[key]
	return ok && string(v) != "null"
}

// shown is a value as an error shows it: on one line, cut short.
func (o *object) shown(key string) string {
	const most = 60
	var b bytes.Buffer
	_ = json.Compact(&b, o.raw[key]) // valid: parse has decoded it
	if b.Len() > most {
		return string(bytes.ToValidUTF8(b.Bytes()[:most], nil)) + "…"
	}
	return b.String()
}

// count reads an integer of 1 to maxCount.
func (o *object) count(key string, absent int) int {
	raw, ok := o.raw[key]
	if !ok {
		return absent
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 1 || n > maxCount {
		o.fail(key, "found %s, want an integer of 1 to %d", o.shown(key), int64(maxCount))
		return absent
	}
	return int(n)
}

// float reads a finite number.
func (o *object) float(key string, absent float64) float64 {
	raw, ok := o.raw[key]
	if !ok {
		return absent
	}
	v := math.NaN()
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		v, _ = strconv.ParseFloat(string(raw), 64)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		o.fail(key, "found %s, want a number", o.shown(key))
		return absent
	}
	return v
}

// positive reads a number above zero; the key must be there.
func (o *object) positive(key string) float64 {
	if _, ok := o.raw[key]; !ok {
		o.fail(key, "is missing")
	}
	v := o.float(key, 1)
	if !positive(v) {
		o.fail(key, "found %s, want a number above 0", o.shown(key))
	}
	return v
}

func (o *object) bool(key string, absent bool) bool {
	raw, ok := o.raw[key]
	if ok && string(raw) != "true" && string(raw) != "false" {
		o.fail(key, "found %s, want true or false", o.shown(key))
	}
	if !ok {
		return absent
	}
	return string(raw) == "true"
}

func (o *object) string(key, absent string) string {
	raw, ok := o.raw[key]
	if !ok {
		return absent
	}
	s := absent
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.fail(key, "found %s, want a string", o.shown(key))
	}
	return s
}

// strings reads a list of strings, which may be null.
func (o *object) strings(key string) []string {
	if !o.has(key) {
		return nil
	}
	var list []string
	if o.raw[key][0] != '[' || json.Unmarshal(o.raw[key], &list) != nil {
		o.fail(key, "found %s, want a list of strings", o.shown(key))
	}
	return list
}

// object reads an object inside; nil where the key is absent or null.
func (o *object) object(key string) *object {
	if !o.has(key) {
		return nil
	}
	if o.raw[key][0] != '{' {
		o.fail(key, "found %s, want an object", o.shown(key))
		return nil
	}
	in, err := parseObject(o.place+": "+key, o.raw[key])
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return nil
	}
	return in
}

// take keeps the error of an object inside.
func (o *object) take(in *object) {
	if o.err == nil {
		o.err = in.err
	}
}
