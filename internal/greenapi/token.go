package greenapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

const redacted = "<secret>"

// Token is an apiTokenInstance: the password of one instance. GREEN-API wants it in the path of every URL, so it is
// one careless line away from every log. A Token prints as "<secret>" by every verb of fmt, every encoder that asks a
// value how it wants to be written (text, JSON, YAML, slog, go-kit/log), and inside any struct: the value sits in a
// closure, which reflection does not open.
//
// The zero Token is empty. Tokens are immutable and safe for concurrent use.
type Token struct {
	secret func() string
}

// NewToken makes a Token of its text. It refuses an empty text and one with white space or anything outside printable
// ASCII, which is never a token but a slip of copying; the error does not repeat the text.
func NewToken(text string) (Token, error) {
	if text == "" {
		return Token{}, errors.New("the token is empty")
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return Token{}, errors.New("the token has white space or a character outside ASCII in it; copy it again from the console")
		}
	}
	return Token{secret: func() string { return text }}, nil
}

// Token returns t: a Token is the TokenSource of a token that never changes.
func (t Token) Token() Token { return t }

// Equal reports whether both are the same token, in a time that does not depend on where they differ.
func (t Token) Equal(other Token) bool {
	return subtle.ConstantTimeCompare([]byte(t.reveal()), []byte(other.reveal())) == 1
}

// Fingerprint tells whether text and the token are the same as at another time, and nothing else of them: it is 64 bits
// of HMAC-SHA-256 under the token, in hex. It may be kept where the token may not.
func (t Token) Fingerprint(text string) string {
	mac := hmac.New(sha256.New, []byte(t.reveal()))
	_, _ = io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// redactor returns a function that returns the word it is given, or one that stands for no word where the token is in it:
// what an answer says can become a label.
func (t Token) redactor() func(word []byte) []byte {
	text := []byte(t.reveal())
	return func(word []byte) []byte {
		if len(text) > 0 && bytes.Contains(word, text) {
			return []byte("?")
		}
		return word
	}
}

// reveal is the secret itself; only the client asks for it, to build a URL.
func (t Token) reveal() string {
	if t.secret == nil {
		return ""
	}
	return t.secret()
}

// String implements fmt.Stringer.
func (Token) String() string { return redacted }

// Format implements fmt.Formatter for every verb and flag.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json, encoding/xml, log/slog and go-kit/log use.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements the Marshaler of the yaml packages.
func (Token) MarshalYAML() (any, error) { return redacted, nil }

// A TokenSource gives the token for the next call. Token must be quick and safe for concurrent use.
type TokenSource interface {
	Token() Token
}
