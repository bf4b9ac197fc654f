package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"greenapi_exporter/internal/osuser"
)

// tokenLike matches a word that is more likely a token than the name of a directory.
var tokenLike = regexp.MustCompile(`^[0-9A-Za-z]{40,}$`)

// checkDirectory returns an error for a text that is not the path of a directory. OpenStorage would
// create it. The error does not contain a text that could be or contain a token.
func checkDirectory(path string) error {
	switch {
	case strings.Contains(path, "://"):
		return errors.New("it is a URL; use the path of a directory")
	case tokenLike.MatchString(path):
		return errors.New("it looks like a token; use the path of a directory")
	case strings.HasPrefix(path, "~"), strings.HasPrefix(path, "$"):
		return fmt.Errorf("%s begins with %.1s, which the shell has not replaced; "+
			"use the full path, or ./%s for a directory of that name", path, path, path)
	case strings.HasPrefix(path, `"`), strings.HasPrefix(path, "'"):
		return errors.New("it begins with a quote, which is part of the value; remove the quotes")
	}
	return nil
}

// explain returns an error about the directory or a file in it that says what to do.
func explain(err error) error {
	var pathError *fs.PathError
	if !errors.As(err, &pathError) {
		return fmt.Errorf("%w; use a directory that %s can write to", err, osuser.Current())
	}
	path := pathError.Path
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; %s, and the exporter runs as %s; "+
			"change the owner or the mode, or run the exporter as another user",
			err, describeOwner(path), osuser.Current())
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; mount it writable, or use another directory", err)
	case isDangling(path):
		target, _ := os.Readlink(path)
		return fmt.Errorf("%s is a symbolic link to %s, which does not exist; "+
			"create the directory or remove the link", path, target)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is not a directory; use a directory that %s can write to",
			path, osuser.Current())
	}
	return fmt.Errorf("%w; use a directory that %s can write to", err, osuser.Current())
}

func isDangling(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return false
	}
	_, err = os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// describeOwner returns the owner and the mode of a file. If the file does not exist or is not
// visible, it describes the directory.
func describeOwner(path string) string {
	info, err := os.Stat(path)
	for ; err != nil && filepath.Dir(path) != path; info, err = os.Stat(path) {
		path = filepath.Dir(path)
	}
	if err != nil {
		return "its owner is unknown"
	}
	uid, _, ok := ownerOf(info)
	if !ok {
		return fmt.Sprintf("%s has the mode %s", path, info.Mode())
	}
	return fmt.Sprintf("%s belongs to %s and has the mode %s", path, osuser.Name(uid), info.Mode())
}
