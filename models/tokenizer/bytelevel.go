package tokenizer

import "unicode/utf8"

// charByte is the byte that a character stands for in GPT-2's byte-level
// vocabularies, -1 for none: itself where the byte can be printed, else a
// character from U+0100 on.
var charByte = func() (list [0x144]int16) {
	for r := range list {
		list[r] = -1
	}
	next := 0x100
	for b := range 256 {
		if printable := b > 0x20 && b < 0x7F || b > 0xA0 && b != 0xAD; printable {
			list[b] = int16(b)
		} else {
			list[next] = int16(b)
			next++
		}
	}
	return list
}()

// appendBytes appends the bytes that a byte-level piece stands for; one that
// has other characters stands for itself, as added tokens do.
func appendBytes(to []byte, piece string) []byte {
	n := len(to)
	for _, r := range piece {
		if int(r) >= len(charByte) || charByte[r] < 0 {
			return append(to[:n], piece...)
		}
		to = append(to, byte(charByte[r]))
	}
	return to
}

// byteOf is the byte that a piece of one character stands for.
func byteOf(piece string) (byte, bool) {
	r, n := utf8.DecodeRuneInString(piece)
	if n != len(piece) || int(r) >= len(charByte) || charByte[r] < 0 {
		return 0, false
	}
	return byte(charByte[r]), true
}
