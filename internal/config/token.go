package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

// tokenSpec is the source of a token. Exactly one of the fields must be set.
type tokenSpec struct {
	File  string `yaml:"token_file"`
	Env   string `yaml:"token_env"`
	Token string `yaml:"token"`
}

const tokenKeys = "token_file, token_env or token"

// openToken opens the source of a token, and warns if the token is short. Errors name the owner,
// such as "instance 1101000001". They contain no text that could be a misplaced token.
func (l *loader) openToken(
	spec tokenSpec, at section, owner string, logger log.Logger,
) (greenapi.TokenSource, error) {
	l.usesTokenEnv = l.usesTokenEnv || spec.Env != "" && spec.Env == l.TokenEnv
	sources := tokenKeys
	if at.lines == nil {
		sources = at.name("token") + " (apiTokenInstance in your console) or " +
			at.name("token_file")
	}
	var given []string
	fields, keys := fieldsOf(&spec)
	for _, key := range keys {
		if *fields[key].(*string) != "" {
			given = append(given, key)
		}
	}
	switch {
	case len(given) == 0:
		return nil, at.errorf("", "%s has no token: it needs %s", owner, sources)
	case len(given) > 1:
		return nil, at.errorf(given[1], "%s has two tokens; set only one: %s", owner, sources)
	case spec.File != "":
		file, err := l.openTokenFile(spec.File, logger)
		if err != nil {
			return nil, at.errorf("token_file", "%s of %s must name a file that contains only the "+
				"token: %w", at.name("token_file"), owner, err)
		}
		file.Token().WarnIfShort(logger)
		return file, nil
	case spec.Env != "":
		if spec.Token = os.Getenv(spec.Env); spec.Token == "" {
			return nil, at.errorf("token_env", "token_env of %s must name an environment "+
				"variable, without $, that contains the token; the variable%s is empty or not set",
				owner, quoteShort(spec.Env))
		}
	}
	token, err := greenapi.NewToken(spec.Token)
	if err != nil {
		return nil, at.errorf(given[0], "%s of %s: %w", at.name(given[0]), owner, err)
	}
	token.WarnIfShort(logger)
	return token, nil
}

// openTokenFile opens a token file. Its path is relative to the configuration file, if any.
func (l *loader) openTokenFile(path string, logger log.Logger) (*greenapi.TokenFile, error) {
	if l.Path != "" {
		if strings.Contains(path, "://") {
			return nil, errURL
		}
		isRelative := !filepath.IsAbs(path)
		if isRelative {
			path = filepath.Join(filepath.Dir(l.Path), path)
		}
		if err := checkRegular(path); err != nil {
			err = explain(err, path)
			if isRelative && errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w; a relative path begins at the directory of this file", err)
			}
			return nil, err
		}
	}
	file, err := greenapi.OpenTokenFile(path, logger)
	return file, explain(err, path)
}
