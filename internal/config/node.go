package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// scalar is one value of the file as it is written, with its line. It is empty where nothing is.
type scalar struct {
	text string
	line int
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *scalar) UnmarshalYAML(value *yaml.Node) error {
	value = resolved(value)
	if value.Kind != yaml.ScalarNode {
		return lineError{value.Line, errors.New("there must be one value here, and no list or map")}
	}
	n.text, n.line = value.Value, value.Line
	return nil
}

// quoteShort is a short word, and nothing of what could be a token.
func quoteShort(word string) string {
	if len(word) > 24 {
		return ""
	}
	return fmt.Sprintf(" (%q)", word)
}

// resolved is what an alias stands for.
func resolved(value *yaml.Node) *yaml.Node {
	if value.Kind == yaml.AliasNode {
		return value.Alias
	}
	return value
}

func (n scalar) whole(name string) (int, error) {
	number, err := strconv.Atoi(n.text)
	if err != nil {
		return 0, lineError{n.line, fmt.Errorf("%s must be a whole number", name)}
	}
	return number, nil
}

func (n scalar) duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(n.text)
	if err != nil {
		return 0, lineError{n.line, fmt.Errorf("%s must be a duration such as 30s, 5m or 24h", name)}
	}
	return d, nil
}

// stringList is a list of names.
type stringList struct {
	names []scalar
	line  int
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *stringList) UnmarshalYAML(value *yaml.Node) error {
	l.line = value.Line
	if value.Kind != yaml.SequenceNode {
		return lineError{value.Line, errors.New("there must be a list here, such as [outgoing, state]")}
	}
	for _, item := range value.Content {
		var name scalar
		if err := name.UnmarshalYAML(item); err != nil {
			return err
		}
		l.names = append(l.names, name)
	}
	return nil
}

// labelsNode is a map of labels.
type labelsNode map[string]string

// labelName is the part of a label's name that comes behind __meta_greenapi_label_.
var labelName = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`)

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *labelsNode) UnmarshalYAML(value *yaml.Node) error {
	if value.Kind != yaml.MappingNode {
		return lineError{value.Line, errors.New("labels must be a map, such as {team: sales}")}
	}
	*l = make(labelsNode)
	for i := 0; i+1 < len(value.Content); i += 2 {
		name, of := value.Content[i], resolved(value.Content[i+1])
		if name.Tag == "!!merge" {
			return lineError{name.Line, errors.New("labels cannot be merged here; write them out")}
		}
		if !labelName.MatchString(name.Value) {
			return lineError{name.Line, fmt.Errorf("the name of a label%s must be of letters, digits and _", quoteShort(name.Value))}
		}
		if of.Kind != yaml.ScalarNode {
			return lineError{of.Line, errors.New("a label must have one value, and no list or map")}
		}
		if _, twice := (*l)[name.Value]; twice {
			return lineError{name.Line, errors.New("a label is given twice")}
		}
		(*l)[name.Value] = of.Value
	}
	return nil
}

// The file as it is written. A test compares it with the example.
type (
	fileNode struct {
		settingsNode `yaml:",inline"`
		Instances    *[]*instanceNode `yaml:"instances"`
		Partner      *partnerNode     `yaml:"partner"`
		lines        lines
	}
	settingsNode struct {
		URL         scalar     `yaml:"url"`
		Minutes     scalar     `yaml:"minutes"`
		MinInterval scalar     `yaml:"min_interval"`
		Timeout     scalar     `yaml:"timeout"`
		Collectors  stringList `yaml:"collectors"`
	}
	instanceNode struct {
		ID           scalar `yaml:"id_instance"`
		tokenNode    `yaml:",inline"`
		settingsNode `yaml:",inline"`
		Labels       labelsNode `yaml:"labels"`
	}
	tokenNode struct {
		File  scalar `yaml:"token_file"`
		Env   scalar `yaml:"token_env"`
		Token scalar `yaml:"token"`
	}
	partnerNode struct {
		tokenNode `yaml:",inline"`
		URL       scalar `yaml:"url"`
		Refresh   scalar `yaml:"refresh"`
		Include   scalar `yaml:"include"`
	}
)

// reads reports whether a token is to be read from that variable.
func (f *fileNode) reads(variable string) bool {
	if f.Partner != nil && f.Partner.Env.text == variable {
		return true
	}
	return f.Instances != nil && slices.ContainsFunc(*f.Instances, func(i *instanceNode) bool { return i.Env.text == variable })
}

// lines are where the settings stand that are there, by name.
func (s settingsNode) lines() map[string]int {
	lines := map[string]int{
		"url": s.URL.line, "minutes": s.Minutes.line, "min_interval": s.MinInterval.line, "timeout": s.Timeout.line,
		"collectors": s.Collectors.line,
	}
	maps.DeleteFunc(lines, func(_ string, line int) bool { return line == 0 })
	return lines
}

// over is what the settings are where some are given on top of others. The known are the collectors that there are.
func (s settingsNode) over(base rawSettings, known []string) (rawSettings, error) {
	var err error
	if s.URL.line > 0 {
		base.url = sourced[string]{s.URL.text, "url", s.URL.line}
	}
	if s.Minutes.line > 0 {
		base.minutes = sourced[int]{0, "minutes", s.Minutes.line}
		if base.minutes.value, err = s.Minutes.whole("minutes"); err != nil {
			return base, err
		}
	}
	for _, d := range []struct {
		scalar
		into *sourced[time.Duration]
		name string
	}{{s.MinInterval, &base.minInterval, "min_interval"}, {s.Timeout, &base.timeout, "timeout"}} {
		if d.line == 0 {
			continue
		}
		*d.into = sourced[time.Duration]{0, d.name, d.line}
		if d.into.value, err = d.duration(d.name); err != nil {
			return base, err
		}
	}
	if s.Collectors.line > 0 {
		base.collectors, err = s.Collectors.of(known)
	}
	return base, err
}

func (l stringList) of(known []string) (sourced[[]string], error) {
	all := sourced[[]string]{nil, "collectors", l.line}
	for _, n := range l.names {
		switch {
		case !slices.Contains(known, n.text):
			return all, lineError{n.line, fmt.Errorf("there is no such collector; there are %s", strings.Join(known, ", "))}
		case slices.Contains(all.value, n.text):
			return all, lineError{n.line, fmt.Errorf("collector %s is given twice", n.text)}
		}
		all.value = append(all.value, n.text)
	}
	if len(all.value) == 0 {
		return all, lineError{l.line, errors.New("collectors is empty; name some, or leave it out for the usual ones")}
	}
	return all, nil
}
