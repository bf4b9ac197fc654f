package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"
)

// Source is a configuration file, and the settings that the file does not set.
type Source struct {
	// Path is the path of the file. Paths of token files are relative to its directory.
	Path string
	// Defaults are the settings of the flags.
	Defaults Settings
	// SetByFlag maps the key of each setting that the user has set to the flag or variable.
	// The file must not set such a key for all instances, too.
	SetByFlag map[string]string
	// Collectors are the names of all collectors.
	Collectors []string
	// TokenEnv is the variable with the token of an instance that flags configure. If it is set, a
	// token_env in the file must name it.
	TokenEnv string
}

// The specs mirror the file. A test compares them with deploy/greenapi_exporter.yml.
type (
	fileSpec struct {
		Settings
		Instances []yaml.Node `yaml:"instances"` // of instanceSpecs
		Partner   yaml.Node   `yaml:"partner"`   // a partnerSpec
	}
	instanceSpec struct {
		ID string `yaml:"id_instance"`
		tokenSpec
		Settings
		Labels map[string]string `yaml:"labels"`
	}
)

// Load reads the file and its token files. It uses logger for later problems with token files.
// An error is one line that begins with the path and, if known, the line number. It never contains
// anything that could be a token.
func (s Source) Load(logger log.Logger) (*Config, error) {
	err := checkRegular(s.Path)
	var text []byte
	if err == nil {
		text, err = os.ReadFile(s.Path)
	}
	if err != nil {
		return nil, fmt.Errorf(
			"--config.file (GREENAPI_CONFIG_FILE)%s must name a readable file: %w",
			quotePath(s.Path), explain(err, s.Path))
	}
	config, err := (&loader{Source: s, logger: logger}).parse(text)
	var at lineError
	switch {
	case err == nil:
		return config, nil
	case errors.As(err, &at) && at.line > 0:
		return nil, fmt.Errorf("%s:%d: %w", s.Path, at.line, err)
	default:
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
}

const needsInstances = "list instances under instances, or configure the Partner API under partner"

// loader loads one file.
type loader struct {
	Source
	logger       log.Logger
	usesTokenEnv bool // whether a token_env names TokenEnv
}

func (l *loader) parse(text []byte) (*Config, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	top := section{lines: make(map[string]int)}
	file := fileSpec{Settings: l.Defaults}
	if err := top.decode(root, &file); err != nil {
		return nil, err
	}
	if len(file.Instances) == 0 && file.Partner.IsZero() {
		line := max(1, top.line("instances"))
		return nil, lineError{line, errors.New("the file has no instances; " + needsInstances)}
	}
	for _, key := range slices.Sorted(maps.Keys(l.SetByFlag)) {
		if top.line(key) > 0 {
			return nil, top.errorf(key, "%s is also set by %s; remove one", key, l.SetByFlag[key])
		}
	}
	if _, err := l.validate(file.Settings, top); err != nil {
		return nil, err
	}
	config := new(Config)
	if config.instances, err = l.instances(file, top); err != nil {
		return nil, err
	}
	if !file.Partner.IsZero() {
		at := top.subsection("partner", top.line("partner"))
		if config.partner, err = l.partner(&file.Partner, at, file.Settings); err != nil {
			return nil, err
		}
	}
	if os.Getenv(l.TokenEnv) != "" && !l.usesTokenEnv {
		return nil, fmt.Errorf("%s is set but not used: name it in a token_env, or unset it",
			l.TokenEnv)
	}
	return config, nil
}

// labelName matches the label names that are valid after the prefix __meta_greenapi_label_.
var labelName = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`)

func (l *loader) instances(file fileSpec, top section) ([]Instance, error) {
	var instances []Instance
	lines := make(map[string]int) // by id
	for n := range file.Instances {
		node := &file.Instances[n]
		at := top.subsection(fmt.Sprintf("instances[%d]", n), node.Line)
		spec := instanceSpec{Settings: file.Settings}
		if err := at.decode(node, &spec); err != nil {
			return nil, err
		}
		if spec.ID == "" {
			return nil, at.errorf("", "the instance has no id_instance; it needs one, and "+
				tokenKeys)
		}
		if err := checkID(spec.ID); err != nil {
			return nil, at.errorf("id_instance", "id_instance %w", err)
		}
		if first := lines[spec.ID]; first > 0 {
			return nil, at.errorf("id_instance", "duplicate instance %s; the first is in line %d",
				spec.ID, first)
		}
		lines[spec.ID] = at.line("id_instance")
		for _, name := range slices.Sorted(maps.Keys(spec.Labels)) {
			if !labelName.MatchString(name) {
				return nil, at.errorf("labels", "label name%s must consist of letters, "+
					"digits and _", quoteShort(name))
			}
		}
		valid, err := l.validate(spec.Settings, at)
		if err != nil {
			return nil, err
		}
		token, err := l.openToken(spec.tokenSpec, at, "instance "+spec.ID,
			log.With(l.logger, "id_instance", spec.ID))
		if err != nil {
			return nil, err
		}
		instances = append(instances, Instance{spec.ID, token, spec.Labels, time.Time{}, valid})
	}
	return instances, nil
}

// validate checks the settings of a section, including the names of the collectors.
func (l *loader) validate(settings Settings, at section) (validSettings, error) {
	if len(settings.Collectors) == 0 && at.line("collectors") > 0 {
		return validSettings{}, at.errorf("collectors",
			"collectors is empty; list some, or remove the key to use the defaults")
	}
	for n, name := range settings.Collectors {
		item := fmt.Sprintf("collectors[%d]", n)
		if !slices.Contains(l.Collectors, name) {
			return validSettings{}, at.errorf(item, "unknown collector%s; the collectors are %s",
				unknownWord(name, l.Collectors), strings.Join(l.Collectors, ", "))
		}
		if slices.Contains(settings.Collectors[:n], name) {
			return validSettings{}, at.errorf(item, "duplicate collector %s", name)
		}
	}
	return settings.validate(at)
}
