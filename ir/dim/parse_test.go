package dim

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for src, want := range map[string]string{
		"0":                   "0",
		"-0":                  "0",
		"512":                 "512",
		"S+P":                 "P+S",
		" P  +\tS ":           "P+S",
		"2*S-1":               "2*S-1",
		"S*2 - 1":             "2*S-1",
		"-1+2*S":              "2*S-1",
		"4-S":                 "-S+4",
		"-S":                  "-S",
		"- S*3":               "-3*S",
		"P - -S":              "P+S",
		"P+-S":                "P-S",
		"S+S+S":               "3*S",
		"S-S":                 "0",
		"0*S+1":               "1",
		"1+2+3":               "6",
		"_a1*10+B_2":          "B_2+10*_a1",
		"281474976710656":     "281474976710656",
		"-281474976710656*S":  "-281474976710656*S",
		"00007*S":             "7*S",
		"281474976710656 - 1": "281474976710655",
	} {
		d, err := Parse(src)
		require.NoError(t, err, src)
		require.Equal(t, want, d.String(), src)
	}
}

func TestParseErrors(t *testing.T) {
	for src, want := range map[string]string{
		"":                    `dimension "", offset 0: a number or a symbol expected, found the end`,
		"P+":                  `dimension "P+", offset 2: a number or a symbol expected, found the end`,
		"P S":                 `dimension "P S", offset 2: + or - expected, found 'S'`,
		"2S":                  `dimension "2S", offset 1: + or - expected, found 'S'`,
		"+S":                  `dimension "+S", offset 0: a number or a symbol expected, found '+'`,
		"--S":                 `dimension "--S", offset 1: a number or a symbol expected, found '-'`,
		"2*3":                 `dimension "2*3", offset 2: a symbol expected, found '3'`,
		"P*S":                 `dimension "P*S", offset 2: a number expected, found 'S'`,
		"2*":                  `dimension "2*", offset 2: a symbol expected, found the end`,
		"S*-2":                `dimension "S*-2", offset 2: a number expected, found '-'`,
		"S*2*2":               `dimension "S*2*2", offset 3: + or - expected, found '*'`,
		"(S)":                 `dimension "(S)", offset 0: a number or a symbol expected, found '('`,
		"281474976710657":     `dimension "281474976710657", offset 0: 281474976710657 exceeds 2^48`,
		"S*281474976710657":   `dimension "S*281474976710657", offset 2: 281474976710657 exceeds 2^48`,
		"281474976710656+1":   `dimension "281474976710656+1", offset 17: the constant exceeds 2^48`,
		"281474976710656*S+S": `dimension "281474976710656*S+S", offset 19: the coefficient of S exceeds 2^48`,
	} {
		_, err := Parse(src)
		require.EqualError(t, err, want)
	}
}

func TestParseErrorIsShort(t *testing.T) {
	for _, long := range []string{strings.Repeat("9", 1<<16), strings.Repeat("S+", 1<<16), strings.Repeat("*", 1<<16)} {
		_, err := Parse(long)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 300)
	}
}

func TestParsePrintIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDim(maxParsed).Draw(t, "d")
		got, err := Parse(d.String())
		require.NoError(t, err)
		same(t, d, got)
	})
}

// Terms in any order, in either form and with any spaces mean their sum.
func TestParseMessy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var src strings.Builder
		want := Dim{}
		space := rapid.SampledFrom([]string{"", " ", "  ", "\t"})
		for i := range rapid.IntRange(1, 8).Draw(t, "terms") {
			k := rapid.Int64Range(0, 99).Draw(t, "k")
			s := rapid.SampledFrom(letters).Draw(t, "sym")
			num := Const(k).String()
			forms := []string{num, s, num + space.Draw(t, "sp") + "*" + s, s + "*" + space.Draw(t, "sp") + num}
			terms := []Dim{Const(k), Sym(s), Sym(s).Mul(k), Sym(s).Mul(k)}
			form := rapid.IntRange(0, 3).Draw(t, "form")
			term := terms[form]
			op := rapid.SampledFrom([]string{"+", "-", "+-", "- -"}).Draw(t, "op")
			switch {
			case i == 0 && op == "-":
				term = term.Mul(-1)
			case i == 0:
				op = ""
			case op == "-" || op == "+-":
				term = term.Mul(-1)
			}
			src.WriteString(space.Draw(t, "sp") + op + space.Draw(t, "sp") + forms[form] + space.Draw(t, "sp"))
			want = want.Add(term)
		}
		got, err := Parse(src.String())
		require.NoError(t, err, src.String())
		same(t, want, got)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "P+S", "2*S-1", "-S+4", " S * 3 - -P", "P+", "2*3", "281474976710657", "a_1*7+(", "-S+S"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		d, err := Parse(src)
		if err != nil {
			if len(err.Error()) > 1024 || strings.Contains(err.Error(), "\n") {
				t.Fatalf("not one clear line: %q", err)
			}
			return
		}
		if d.Err() != nil {
			t.Fatalf("Parse(%q) is invalid: %v", src, d.Err())
		}
		again, err := Parse(d.String())
		if err != nil || !again.Same(d) || again.String() != d.String() {
			t.Fatalf("Parse(%q) = %s, which reads back as %s, %v", src, d, again, err)
		}
	})
}
