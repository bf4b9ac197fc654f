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

// A Token is the secret of an instance (apiTokenInstance) or of a partner. GREEN-API requires it in
// the path of every URL, so it can leak easily. A Token prints as "<secret>" with all verbs of fmt,
// and with encoders that support marshalers (text, JSON, YAML, slog, go-kit/log).
//
// The zero Token is empty. Tokens are immutable and safe for concurrent use.
type Token struct {
	// secret is a closure, because fmt does not call the methods of unexported fields. It prints
	// the address of the closure instead.
	secret func() string
}

// NewToken returns a Token. It rejects an empty text and any character that is not printable ASCII,
// which is a copying mistake. The error does not contain the text.
func NewToken(text string) (Token, error) {
	if text == "" {
		return Token{}, errors.New("the token is empty")
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return Token{}, errors.New("the token contains white space, a control character or a " +
				"non-ASCII character; copy it again from the console")
		}
	}
	return Token{secret: func() string { return text }}, nil
}

// A TokenSource provides the token for each call.
type TokenSource interface {
	// Token returns the current token. It must be fast and safe for concurrent use.
	Token() Token
}

// Token returns t. It implements TokenSource.
func (t Token) Token() Token { return t }

// Equal reports whether the tokens are equal, in constant time.
func (t Token) Equal(other Token) bool {
	return subtle.ConstantTimeCompare([]byte(t.reveal()), []byte(other.reveal())) == 1
}

// Fingerprint returns 64 bits of the HMAC-SHA-256 of text, in hex, with the token as the key. Equal
// fingerprints mean equal texts and tokens. Unlike a token, a fingerprint is safe to store.
func (t Token) Fingerprint(text string) string {
	mac := hmac.New(sha256.New, []byte(t.reveal()))
	_, _ = io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// redactor returns a function that replaces a text by "?" if it contains the token.
func (t Token) redactor() func(text []byte) []byte {
	secret := []byte(t.reveal())
	return func(text []byte) []byte {
		if len(secret) > 0 && bytes.Contains(text, secret) {
			return []byte("?")
		}
		return text
	}
}

// reveal returns the secret.
func (t Token) reveal() string {
	if t.secret == nil {
		return ""
	}
	return t.secret()
}

// String implements fmt.Stringer.
func (Token) String() string { return redacted }

// Format implements fmt.Formatter.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements yaml.Marshaler.
func (Token) MarshalYAML() (any, error) { return redacted, nil }
