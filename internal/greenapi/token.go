package greenapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
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

// NewToken returns a Token. It trims white space and a byte order mark, and rejects a text that
// cannot be a token. The error explains what to do and does not contain the text.
func NewToken(text string) (Token, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, byteOrderMark))
	if text == "" {
		return Token{}, errors.New("the token is empty")
	}
	for _, mistake := range mistakes {
		if mistake.pattern.MatchString(text) {
			return Token{}, errors.New("the token " + mistake.problem)
		}
	}
	return Token{secret: func() string { return text }}, nil
}

// byteOrderMark begins a text file that some editors save as UTF-8.
const byteOrderMark = "\ufeff"

// mistakes are texts that cannot be a token, in the order in which they are tried. GREEN-API does
// not document the characters of a token. The tokens in its examples consist of letters, digits,
// dots and dashes.
var mistakes = []struct {
	pattern *regexp.Regexp
	problem string
}{
	{
		regexp.MustCompile("\x00"),
		"is not UTF-8 text; save it as UTF-8 without a byte order mark",
	},
	{
		regexp.MustCompile(`^(export\s+)?[A-Za-z_][\w.-]*(\s*=\s*|:\s+)[^=\s]`),
		"begins with a name, as in NAME=token; keep only what follows the name",
	},
	{
		regexp.MustCompile("^[\"'`]|[\"'`]$"),
		"is in quotes; remove them",
	},
	{
		regexp.MustCompile(`://|(?i:waInstance)`),
		"is a URL; keep only apiTokenInstance",
	},
	{
		regexp.MustCompile(`^(~|\.{1,2})?/|^[A-Za-z]:\\`),
		"is a path; name it as the token file, or replace it with the token in the file",
	},
	{
		regexp.MustCompile(`^[$<]|[{}]|^%.*%$|\*\*\*|^(?i:api_?token_?instance)$`),
		"is a placeholder such as ${TOKEN}, which nothing has replaced; " +
			"replace it with the token from the console",
	},
	{
		regexp.MustCompile(`[^!-~]`),
		"contains white space, a control character or a non-ASCII character; " +
			"copy it again from the console",
	},
}

// minTokenLength is far below the length of any token that GREEN-API issues.
const minTokenLength = 8

// WarnIfShort logs a warning if the token is too short to be complete.
func (t Token) WarnIfShort(logger log.Logger) {
	if len(t.reveal()) < minTokenLength {
		level.Warn(logger).Log("msg", "the token has fewer than 8 characters, "+
			"so it is probably incomplete", "advice", "copy it again from the console")
	}
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

// redactor returns a function that replaces a text by "?" if it contains the token, in upper or
// lower case. Nearly all texts are too short for that.
func (t Token) redactor() func(text []byte) []byte {
	length := len(t.reveal())
	return func(text []byte) []byte {
		if len(text) >= length && t.isIn(string(text)) {
			return []byte("?")
		}
		return text
	}
}

// isIn reports whether a text contains the token, in upper or lower case.
func (t Token) isIn(text string) bool {
	secret := strings.ToLower(t.reveal())
	return secret != "" && strings.Contains(strings.ToLower(text), secret)
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
