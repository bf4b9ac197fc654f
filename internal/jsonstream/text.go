package jsonstream

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// SkipNumber, SkipString and PlainEnd operate on a text that ends in a NUL, such as that of
// Scanner.Buffered. A NUL is invalid outside strings, so the loops over digits need no bounds
// check.

// SkipNumber returns the index after the number at text[i], or 0 if there is none.
func SkipNumber(text []byte, i int) int {
	if text[i] == '-' {
		i++
	}
	if text[i] == '0' {
		i++
	} else if i = skipDigits(text, i); i == 0 {
		return 0
	}
	if text[i] == '.' {
		if i = skipDigits(text, i+1); i == 0 {
			return 0
		}
	}
	if text[i]|0x20 != 'e' {
		return i
	}
	if i++; text[i] == '+' || text[i] == '-' {
		i++
	}
	return skipDigits(text, i)
}

// skipDigits returns the index after the digits at text[i], or 0 if there are none.
func skipDigits(text []byte, i int) int {
	if !isDigit(text[i]) {
		return 0
	}
	for isDigit(text[i]) {
		i++
	}
	return i
}

// SkipString returns the index of the quote that ends the string that begins at text[i], after its
// opening quote. It returns 0 if the string is invalid or incomplete.
func SkipString(text []byte, i int) int {
	i = PlainEnd(text, i)
	for text[i] == '\\' {
		switch i++; text[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; !isDigit(text[i]) && (text[i]|0x20 < 'a' || 'f' < text[i]|0x20) {
					return 0
				}
			}
		default:
			return 0
		}
		i = longPlainEnd(text, i+1)
	}
	if text[i] != '"' {
		return 0
	}
	return i
}

// PlainEnd returns the index of the first quote or backslash from text[i] on, or of the final NUL.
//
// Most strings are short. PlainEnd examines eight bytes of them at a time, because a call of
// bytes.IndexByte takes longer.
func PlainEnd(text []byte, i int) int {
	const (
		ones        = 0x0101010101010101
		quotes      = '"' * ones
		backslashes = '\\' * ones
		short       = 64
	)
	for stop := min(i+short, len(text)-9); i <= stop; i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		q, b := w^quotes, w^backslashes
		// The borrow sets the high bit of the first byte that is a quote or a backslash.
		if found := ((q-ones)&^q | (b-ones)&^b) & (0x80 * ones); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	return longPlainEnd(text, i)
}

// longPlainEnd is PlainEnd for long strings. It searches pieces of doubling length. The time is
// therefore linear in the result, even if the next quote is far behind the next backslash.
func longPlainEnd(text []byte, i int) int {
	last := len(text) - 1
	for n := 128; i < last; n *= 2 {
		piece := text[i:min(i+n, last)]
		plain := piece
		if backslash := bytes.IndexByte(plain, '\\'); backslash >= 0 {
			plain = plain[:backslash]
		}
		if quote := bytes.IndexByte(plain, '"'); quote >= 0 {
			plain = plain[:quote]
		}
		if i += len(plain); len(plain) < len(piece) {
			break
		}
	}
	return i
}
