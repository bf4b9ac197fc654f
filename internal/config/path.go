package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"greenapi_exporter/internal/osuser"
)

// checkRegular returns an error if the file is not regular. Every reload opens the files, and
// opening a pipe can block forever.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	return nil
}

var errURL = errors.New("it must be a path, not a URL")

// explain adds advice to an error about a file. The result contains the path only if that cannot be
// a token.
func explain(err error, path string) error {
	var pathError *fs.PathError
	switch isPath := errors.As(err, &pathError); {
	case err != nil && strings.Contains(path, "://"):
		return errURL
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s has no permission to read%s; "+
			"change the owner or the mode of the file or its directory",
			osuser.Current(), quotePath(path))
	case isPath:
		return pathError.Err
	}
	return err
}

// tokenLike matches a word that is long enough to be a token.
var tokenLike = regexp.MustCompile(`[0-9A-Za-z]{20}`)

// quotePath returns a space and the path, or "" if the path could be a token or a URL with one.
func quotePath(path string) string {
	_, err := os.Lstat(path)
	isWord := !strings.ContainsAny(path, `/\.`)
	if err != nil && (isWord || strings.Contains(path, "://") ||
		tokenLike.MatchString(filepath.Base(filepath.Clean(path)))) {
		return ""
	}
	return " " + path
}

// CouldBeToken reports whether the path could be a misplaced token or a URL with one. Errors must
// not contain such a path.
func CouldBeToken(path string) bool { return quotePath(path) == "" }
