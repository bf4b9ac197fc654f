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

// Token is the secret of an instance (apiTokenInstance) or of a partner. GREEN-API requires it in
// the path of every URL, so it leaks easily. A Token prints as "<secret>" with every verb of fmt and
// every encoder that supports marshalers (text, JSON, YAML, slog, go-kit/log). In an unexported
// field, fmt prints the address of a closure, which reflection cannot read.
//
// The zero Token is empty. Tokens are immutable and safe for concurrent use.
type Token struct {
	secret func() string
}

// NewToken returns a Token. It rejects an empty text, and characters other than printable ASCII,
// which are a mistake of copying. The error does not contain the text.
func NewToken(text string) (Token, error) {
	if text == "" {
		return Token{}, errors.New("the token is empty")
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return Token{}, errors.New(
				"the token contains white space or a non-ASCII character; copy it again from the console")
		}
	}
	return Token{secret: func() string { return text }}, nil
}

// A TokenSource returns the token for the next call. Token must be fast and safe for concurrent use.
type TokenSource interface {
	Token() Token
}

// Token returns t, so a Token is a TokenSource.
func (t Token) Token() Token { return t }

// Equal reports whether the tokens are equal, in constant time.
func (t Token) Equal(other Token) bool {
	return subtle.ConstantTimeCompare([]byte(t.reveal()), []byte(other.reveal())) == 1
}

// Fingerprint returns 64 bits of HMAC-SHA-256 of text under the token, in hex. Equal fingerprints
// mean an equal text and token. A fingerprint can be stored where a token must not.
func (t Token) Fingerprint(text string) string {
	mac := hmac.New(sha256.New, []byte(t.reveal()))
	_, _ = io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// redactor returns a function that replaces a word of a response by "?" if it contains the token,
// since words can become labels.
func (t Token) redactor() func(word []byte) []byte {
	text := []byte(t.reveal())
	return func(word []byte) []byte {
		if len(text) > 0 && bytes.Contains(word, text) {
			return []byte("?")
		}
		return word
	}
}

// reveal returns the secret. Only the client may use it, to build a URL.
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

// MarshalText implements encoding.TextMarshaler for encoding/json, encoding/xml, log/slog and
// go-kit/log.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements the Marshaler of the yaml packages.
func (Token) MarshalYAML() (any, error) { return redacted, nil }
