package greenapi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// maxTokenFile is the limit on the size of a token file, in bytes.
const maxTokenFile = 4096

// A TokenFile is the TokenSource of a token in a file, as Docker, Kubernetes and systemd provide
// secrets. It reads the file before every call, so a changed token takes effect immediately. If the
// file becomes unusable, TokenFile logs a warning once and returns the last valid token.
type TokenFile struct {
	path   string
	static bool // the file is not a regular one and is not read again
	logger log.Logger

	mu      sync.Mutex // guards the fields below
	token   Token
	invalid bool
}

// OpenTokenFile reads a token from a file. If the file is not a regular one, such as a pipe, the
// token never changes. The error does not contain the path or the content of the file.
func OpenTokenFile(path string, logger log.Logger) (*TokenFile, error) {
	token, regular, err := readToken(path, false)
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		err = pathError.Err
	}
	if err != nil {
		return nil, err
	}
	return &TokenFile{path: path, static: !regular, logger: logger, token: token}, nil
}

// Token implements TokenSource.
func (f *TokenFile) Token() Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.static {
		return f.token
	}
	token, _, err := readToken(f.path, true)
	if err != nil {
		if !f.invalid {
			f.invalid = true
			level.Warn(f.logger).Log("msg", "token file is unusable, using the previous token",
				"file", f.path, "err", err,
				"advice", "restore the file, with only the token in it; the next call uses it")
		}
		return f.token
	}
	if changed := !token.Equal(f.token); f.invalid || changed {
		level.Info(f.logger).Log("msg", "token file reloaded", "file", f.path, "changed", changed)
		token.WarnIfShort(f.logger)
	}
	f.token, f.invalid = token, false
	return f.token
}

// readToken reads a token file. If onlyRegular is true, it rejects files that are not regular ones,
// because opening a pipe can block.
func readToken(path string, onlyRegular bool) (token Token, regular bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return Token{}, false, err
	}
	regular = info.Mode().IsRegular()
	if onlyRegular && !regular {
		return Token{}, false, errors.New("it is no longer a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return Token{}, false, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err == nil && len(text) > maxTokenFile {
		err = fmt.Errorf("it exceeds %d bytes, which is too large for a token file", maxTokenFile)
	}
	if err != nil {
		return Token{}, false, err
	}
	token, err = NewToken(string(text))
	return token, regular, err
}
