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

// maxTokenFile is far more than a token and its newline; what is larger was named by mistake.
const maxTokenFile = 4096

// TokenFile is the TokenSource of a token kept in a file, as Docker, Kubernetes and systemd hand out secrets. The file
// is read again for every call, so that a rotated token is used at once, however the file was replaced. When it cannot
// be read or makes no sense later on, the last good token stays in use and the log says so, once.
type TokenFile struct {
	path   string
	logger log.Logger

	mu      sync.Mutex
	token   Token
	trouble bool
	once    bool
}

// OpenTokenFile reads the token in the file at path, without the white space around it. The error says what is wrong
// with the file and never repeats what is in it. A file that is not a regular one (a pipe) is read this once.
func OpenTokenFile(path string, logger log.Logger) (*TokenFile, error) {
	f := &TokenFile{path: path, logger: logger}
	token, regular, err := readToken(path, false)
	if err != nil {
		return nil, err
	}
	f.token, f.once = token, !regular
	return f, nil
}

// Token returns the token that the file holds now, or the last good one.
func (f *TokenFile) Token() Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.once {
		return f.token
	}
	token, _, err := readToken(f.path, true)
	if err != nil {
		if !f.trouble {
			level.Warn(f.logger).Log("msg", "cannot use the token file any more; the old token stays in use", "file", f.path, "err", err)
		}
		f.trouble = true
		return f.token
	}
	if f.trouble || !token.Equal(f.token) {
		level.Info(f.logger).Log("msg", "read the token file again", "file", f.path, "changed", !token.Equal(f.token))
	}
	f.token, f.trouble = token, false
	return f.token
}

// readToken reads the file, and no other than a regular one if onlyRegular: to open a pipe can take forever.
func readToken(path string, onlyRegular bool) (_ Token, regular bool, _ error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Token{}, false, reason(err)
	case info.IsDir():
		return Token{}, false, errors.New("it is a directory")
	case onlyRegular && !info.Mode().IsRegular():
		return Token{}, false, errors.New("it is no regular file any more")
	}
	file, err := os.Open(path)
	if err != nil {
		return Token{}, false, reason(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return Token{}, false, reason(err)
	}
	if len(text) > maxTokenFile {
		return Token{}, false, fmt.Errorf("it is larger than %d bytes: not a token", maxTokenFile)
	}
	token, err := NewToken(strings.TrimSpace(string(text)))
	return token, info.Mode().IsRegular(), err
}

// reason leaves the path out: those who report name the file themselves.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
