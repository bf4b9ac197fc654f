package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

// Source is a file with many instances, and what holds for those that it leaves open.
type Source struct {
	// Path is where the file is. Files that it names are looked for beside it.
	Path string
	// Defaults is what the flags say: of their settings, each holds where the file has none. Their instance is not used.
	Defaults Flags
	// SetByFlag has, by the file's word, the name of each setting that the user has given by a flag or variable: to give it in
	// the file for all instances too is an error.
	SetByFlag map[string]string
	// Collectors are the names that there are.
	Collectors []string
	// TokenEnv is that of the environment which has the token of an instance of flags. It is an error if it is set and
	// nothing in the file names it.
	TokenEnv string
}

// Config is which instances to watch. It is immutable.
type Config struct {
	instances []Instance
	partner   *PartnerDiscovery
}

// Single is the Config of one instance.
func Single(instance Instance) *Config { return &Config{instances: []Instance{instance}} }

// Instances are those that are listed, in their order, each with an id of its own. They are not to be changed.
func (c *Config) Instances() []Instance { return c.instances }

// PartnerDiscovery is where further instances are to be taken from, nil if nowhere.
func (c *Config) Partner() *PartnerDiscovery { return c.partner }

// Collects reports whether the collector of that name is on for any instance.
func (c *Config) Collects(name string) bool {
	return c.partner != nil && slices.Contains(c.partner.collectors, name) ||
		slices.ContainsFunc(c.instances, func(i Instance) bool { return i.Collects(name) })
}

// quotedPath is a path, unless it could be a token that was given to the wrong flag.
func quotedPath(path string) string {
	if !strings.ContainsAny(path, `/\.`) {
		return ""
	}
	return " " + path
}

// readRegular reads a file that will be read again: to open a pipe can take for ever, and it says what it says but once.
func readRegular(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return os.ReadFile(path)
}

// Load reads the file. What is wrong with it is told in one line that begins with the file's path and the number of the
// line that is meant, and repeats nothing that could be a token. The token files are read, too; what goes wrong with them
// later on is said by logger.
func (s Source) Load(logger log.Logger) (*Config, error) {
	text, err := readRegular(s.Path)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("--config.file (GREENAPI_CONFIG_FILE)%s must name a file that can be read: %w", quotedPath(s.Path), err)
	}
	file, err := s.parse(text, logger)
	var at lineError
	if errors.As(err, &at) && at.line > 0 {
		return nil, fmt.Errorf("%s:%d: %w", s.Path, at.line, err)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	return file, nil
}

func (s Source) parse(text []byte, logger log.Logger) (*Config, error) {
	d, err := decode(text)
	if err != nil {
		return nil, err
	}
	if d.Instances == nil && d.Partner == nil {
		return nil, lineError{1, errors.New("the file names no instance: list them under instances, or take them from the Partner API by partner")}
	}
	common, err := s.common(d.settingsNode)
	if err != nil {
		return nil, err
	}
	file := new(Config)
	if d.Instances != nil {
		if file.instances, err = s.list(*d.Instances, d.lines.instances, common, logger); err != nil {
			return nil, err
		}
	}
	if text := os.Getenv(s.TokenEnv); text != "" && !d.reads(s.TokenEnv) {
		return nil, fmt.Errorf("%s is set, and nothing here has it as token_env: unset it, or name it where it belongs", s.TokenEnv)
	}
	if d.Partner != nil {
		file.partner, err = s.partner(d.Partner, d.lines.partner, common, logger)
	}
	return file, err
}

// common are the settings of all instances that do not say otherwise.
func (s Source) common(written settingsNode) (rawSettings, error) {
	lines := written.lines()
	for _, word := range slices.Sorted(maps.Keys(lines)) {
		if flag := s.SetByFlag[word]; flag != "" {
			return rawSettings{}, lineError{lines[word], fmt.Errorf("%s is given here and by %s; drop one of them", word, flag)}
		}
	}
	common, err := written.over(s.Defaults.settings(), s.Collectors)
	if err == nil {
		_, err = common.validate()
	}
	return common, err
}

// list makes the instances that are listed.
func (s Source) list(written []*instanceNode, begin []int, common rawSettings, logger log.Logger) ([]Instance, error) {
	var instances []Instance
	lines := make(map[string]int)
	for n, node := range written {
		line := 0
		if n < len(begin) { // but for a list that was merged in
			line = begin[n]
		}
		if node == nil || node.ID.text == "" {
			return nil, lineError{line, errors.New("an instance has no id_instance; it needs that, and token_file, token_env or token")}
		}
		if err := checkID(node.ID.text); err != nil {
			return nil, lineError{node.ID.line, fmt.Errorf("id_instance %w", err)}
		}
		id := node.ID.text
		if first := lines[id]; first > 0 {
			return nil, lineError{node.ID.line, fmt.Errorf("instance %s is given twice, first in line %d", id, first)}
		}
		lines[id] = node.ID.line
		merged, err := node.over(common, s.Collectors)
		if err != nil {
			return nil, err
		}
		how, err := merged.validate()
		if err != nil {
			return nil, err
		}
		token, err := s.token(node.tokenNode, "instance "+id, line, log.With(logger, "id_instance", id))
		if err != nil {
			return nil, err
		}
		instances = append(instances, Instance{id: id, token: token, labels: node.Labels, Settings: how})
	}
	return instances, nil
}

// token opens the one source that is given for whose, which begins in that line.
func (s Source) token(written tokenNode, whose string, line int, logger log.Logger) (greenapi.TokenSource, error) {
	var given []scalar
	for _, n := range []scalar{written.File, written.Env, written.Token} {
		if n.line > 0 && n.text != "" {
			given = append(given, n)
		}
	}
	switch {
	case len(given) == 0:
		return nil, lineError{line, fmt.Errorf("%s has no token: it needs token_file, token_env or token", whose)}
	case len(given) > 1:
		return nil, lineError{given[1].line, fmt.Errorf("the token of %s is given twice: keep one of token_file, token_env and token", whose)}
	case written.File.text != "":
		path := written.File.text
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(s.Path), path)
		}
		file, err := openTokenFile(path, logger)
		if err != nil {
			// Without the path, which could be the token in the wrong place.
			return nil, lineError{given[0].line, fmt.Errorf("token_file of %s must name a file with the token alone in it, which is looked for beside this one unless it begins with a slash: %w", whose, err)}
		}
		return file, nil
	}
	text, name := written.Token.text, "token"
	if written.Env.text != "" {
		text, name = os.Getenv(written.Env.text), "the variable that token_env names"
		if text == "" {
			return nil, lineError{given[0].line, fmt.Errorf("token_env of %s must name a variable of the environment that holds the token; that one is empty or not set", whose)}
		}
	}
	token, err := greenapi.NewToken(strings.TrimSpace(text))
	if err != nil {
		return nil, lineError{given[0].line, fmt.Errorf("%s of %s: %w", name, whose, err)}
	}
	return token, nil
}

// openTokenFile refuses what could not be opened again when the configuration is loaded anew.
func openTokenFile(path string, logger log.Logger) (*greenapi.TokenFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, errors.New("it is not a regular file")
	}
	return greenapi.OpenTokenFile(path, logger)
}
