package dim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxParsed bounds the numbers that Parse reads and their sums: far above any
// size of a model, and far enough below int64 that arithmetic on what was read
// does not overflow by accident.
const maxParsed = 1 << 48

// Parse reads what String prints. It also accepts spaces, terms in any order and
// repeated, k*S and S*k, and a minus before any term:
//
//	dim  = [ "-" ] term { ( "+" | "-" ) [ "-" ] term }
//	term = number | symbol | number "*" symbol | symbol "*" number
func Parse(s string) (Dim, error) {
	p := parser{src: s}
	p.space()
	terms, offset, err := p.sum()
	if err != nil {
		return Dim{}, err
	}
	// Merging once after a sort keeps a long input from costing its square.
	slices.SortStableFunc(terms, func(a, b term) int { return strings.Compare(a.sym, b.sym) })
	d := Dim{offset: offset}
	for i := 0; i < len(terms); {
		t := term{sym: terms[i].sym}
		for ; i < len(terms) && terms[i].sym == t.sym; i++ {
			// Two numbers within the limit cannot overflow, and t.coef is checked each time.
			if t.coef += terms[i].coef; magnitude(t.coef) > maxParsed {
				return Dim{}, p.errorf("the coefficient of %s exceeds 2^48", clip(t.sym))
			}
		}
		if t.coef != 0 {
			d.terms = append(d.terms, t)
		}
	}
	return d, nil
}

// A parser reads one expression; at is the offset of what is read next.
type parser struct {
	src string
	at  int
}

// sum reads the whole input into terms, yet unsorted, and the constant.
func (p *parser) sum() (terms []term, offset int64, err error) {
	sign := int64(1)
	if p.accept('-') {
		sign = -1
	}
	for {
		t, err := p.term()
		if err != nil {
			return nil, 0, err
		}
		if t.sym != "" {
			terms = append(terms, term{t.sym, sign * t.coef})
		} else if offset += sign * t.coef; magnitude(offset) > maxParsed {
			return nil, 0, p.errorf("the constant exceeds 2^48")
		}
		switch {
		case p.at == len(p.src):
			return terms, offset, nil
		case p.accept('+'):
			sign = 1
		case p.accept('-'):
			sign = -1
		default:
			return nil, 0, p.expected("+ or -")
		}
		if p.accept('-') {
			sign = -sign
		}
	}
}

// term reads one term without its sign; a number alone has no symbol.
func (p *parser) term() (term, error) {
	if p.digits() == 0 {
		sym, err := p.symbol("a number or a symbol")
		if err != nil || !p.accept('*') {
			return term{sym, 1}, err
		}
		n, err := p.number()
		return term{sym, n}, err
	}
	n, err := p.number()
	if err != nil || !p.accept('*') {
		return term{coef: n}, err
	}
	sym, err := p.symbol("a symbol")
	return term{sym, n}, err
}

// number reads an unsigned number.
func (p *parser) number() (int64, error) {
	digits := p.src[p.at : p.at+p.digits()]
	if digits == "" {
		return 0, p.expected("a number")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > maxParsed {
		return 0, p.errorf("%s exceeds 2^48", clip(digits))
	}
	p.skip(len(digits))
	return n, nil
}

// symbol reads a symbol, or says that what was wanted is not there.
func (p *parser) symbol(wanted string) (string, error) {
	n := identLen(p.src[p.at:])
	if n == 0 {
		return "", p.expected(wanted)
	}
	sym := p.src[p.at : p.at+n]
	p.skip(n)
	return sym, nil
}

// digits returns how many digits come next.
func (p *parser) digits() int {
	n := 0
	for p.at+n < len(p.src) && isDigit(p.src[p.at+n]) {
		n++
	}
	return n
}

// accept reads c if it comes next.
func (p *parser) accept(c byte) bool {
	if p.at == len(p.src) || p.src[p.at] != c {
		return false
	}
	p.skip(1)
	return true
}

// skip moves over n bytes and the spaces behind them.
func (p *parser) skip(n int) {
	p.at += n
	p.space()
}

func (p *parser) space() {
	for p.at < len(p.src) && (p.src[p.at] == ' ' || p.src[p.at] == '\t') {
		p.at++
	}
}

func (p *parser) expected(what string) error {
	if p.at == len(p.src) {
		return p.errorf("%s expected, found the end", what)
	}
	return p.errorf("%s expected, found %q", what, p.src[p.at])
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("dimension %q, offset %d: %s", clip(p.src), p.at, fmt.Sprintf(format, args...))
}

// identLen returns the length of the symbol that s begins with, 0 for none.
func identLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'; !letter && (i == 0 || !isDigit(c)) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// clip shortens a text of any length for an error of one line.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
