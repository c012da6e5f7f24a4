package tokenizer

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestNFC holds every character, and texts of characters that meet, against Python's unicodedata.
func TestNFC(t *testing.T) {
	var o struct {
		Every      string
		Texts, NFC []string
	}
	data, err := os.ReadFile("testdata/nfc-oracle.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &o))
	require.Greater(t, len(o.Texts), 500)
	for i, text := range o.Texts {
		require.Equal(t, o.NFC[i], nfc(text), "%+q", text)
		require.Equal(t, o.NFC[i], nfc(o.NFC[i]))
	}
	h := sha256.New()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			h.Write([]byte(nfc(string(r)) + "\n"))
		}
	}
	require.Equal(t, o.Every, fmt.Sprintf("%x", h.Sum(nil)))
	for _, half := range []string{"\xed\xa0\x80", "e\u0301 \xed\xbf\xbf"} { // of surrogate pairs, which wellFormed lets stay
		require.Contains(t, nfc(half), half[len(half)-3:])
	}
	require.Equal(t, "\u00e9\xed\xa0\x80", nfc("e\u0301\xed\xa0\x80"))
}
