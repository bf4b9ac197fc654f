package greenapi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// maxTokenFile is the limit on a token file, in bytes. A larger file is not a token file.
const maxTokenFile = 4096

// TokenFile is the TokenSource of a token in a file, as Docker, Kubernetes and systemd provide
// secrets. It reads the file before every call, so it uses a rotated token at once. If the file
// becomes invalid, the last valid token remains in use, and TokenFile logs it once.
type TokenFile struct {
	path   string
	static bool // not a regular file: it is not read again
	logger log.Logger

	mu      sync.Mutex // guards the fields below
	token   Token
	invalid bool
}

// OpenTokenFile reads the token in the file at path, without surrounding white space. If the file is
// not a regular one, such as a pipe, TokenFile reads it only once. The error does not contain the
// content or the path of the file.
func OpenTokenFile(path string, logger log.Logger) (*TokenFile, error) {
	token, regular, err := readToken(path, false)
	if err != nil {
		return nil, err
	}
	return &TokenFile{path: path, static: !regular, logger: logger, token: token}, nil
}

// Token returns the current token in the file, or the last valid one.
func (f *TokenFile) Token() Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.static {
		return f.token
	}
	token, _, err := readToken(f.path, true)
	if err != nil {
		if !f.invalid {
			level.Warn(f.logger).Log(
				"msg", "token file is unusable, keeping the previous token", "file", f.path, "err", err)
		}
		f.invalid = true
		return f.token
	}
	if changed := !token.Equal(f.token); f.invalid || changed {
		level.Info(f.logger).Log("msg", "reloaded the token file", "file", f.path, "changed", changed)
	}
	f.token, f.invalid = token, false
	return f.token
}

// readToken reads a token file. If onlyRegular is set, it rejects files that are not regular ones,
// because opening a pipe can block.
func readToken(path string, onlyRegular bool) (token Token, regular bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Token{}, false, withoutPath(err)
	case info.IsDir():
		return Token{}, false, errors.New("it is a directory")
	case onlyRegular && !info.Mode().IsRegular():
		return Token{}, false, errors.New("it is no longer a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return Token{}, false, withoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return Token{}, false, withoutPath(err)
	}
	if len(text) > maxTokenFile {
		return Token{}, false, fmt.Errorf("it exceeds %d bytes, so it is not a token file", maxTokenFile)
	}
	token, err = NewToken(strings.TrimSpace(string(text)))
	return token, info.Mode().IsRegular(), err
}

// withoutPath removes the path from an error, since callers report it.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
