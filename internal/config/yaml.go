package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// lineError is an error in a line of the file. If line is 0, the line is unknown.
type lineError struct {
	line int
	error
}

// section is a mapping in the file. The zero section represents the flags.
type section struct {
	prefix string         // of the paths of its keys, such as "instances[1]."
	lines  map[string]int // line of each path in the file, such as "instances[1].url"
}

// line returns the line of a key, or 0 if the file does not have the key. For "", it returns the
// first line of the section.
func (s section) line(key string) int { return s.lines[s.prefix+key] }

func (s section) errorf(key, format string, args ...any) error {
	return lineError{s.line(key), fmt.Errorf(format, args...)}
}

// name returns how the user sets a key: the key itself if the file has it, or else the flag.
func (s section) name(key string) string {
	switch {
	case s.line(key) > 0:
		return key
	case key == "token":
		return "GREENAPI_API_TOKEN_INSTANCE"
	case key == "token_file":
		return "--greenapi.token-file (GREENAPI_TOKEN_FILE)"
	default:
		return "--greenapi." + strings.ReplaceAll(key, "_", "-")
	}
}

// subsection returns the section of the mapping that has this path and begins in this line.
func (s section) subsection(path string, line int) section {
	s.prefix = path + "."
	s.lines[s.prefix] = line
	return s
}

// decode sets the fields of the struct that target points to, by their yaml tags. It does not
// change a field if node lacks its key. Unlike errors of the YAML library, those of decode name the
// key and do not contain the value.
func (s section) decode(node *yaml.Node, target any) error {
	name := "the file"
	if s.prefix != "" {
		name = strings.TrimSuffix(s.prefix, ".")
	}
	var values map[string]yaml.Node
	err := decodeError(node.Decode(&values), node.Line, name+" must be a map of keys to "+
		"values; deploy/greenapi_exporter.yml is an example")
	if err != nil {
		return err
	}
	for key, value := range values {
		s.lines[s.prefix+key] = value.Line // for merged keys, which Content lacks
	}
	for i, node := range deref(node).Content {
		if i%2 == 0 {
			s.lines[s.prefix+node.Value] = node.Line
		}
	}
	fields, known := fieldsOf(target)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		switch node := deref(&value); {
		case fields[key] == nil:
			text := unknownWord(key, known)
			if owners := ownersOf(key); owners != "" {
				text = fmt.Sprintf(" %q here (it belongs to %s; check its indentation)",
					key, owners)
			}
			return s.errorf(key, "unknown key%s; the known keys are %s",
				text, strings.Join(known, ", "))
		case node.ShortTag() == "!!null":
			delete(s.lines, s.prefix+key)
		default:
			if err := s.set(fields[key], key, node); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownersOf names the sections that have the key. It returns "" if there is none.
func ownersOf(key string) string {
	var owners []string
	for _, section := range []struct {
		name string
		spec any
	}{
		{"the top level", new(fileSpec)}, {"an instance", new(instanceSpec)},
		{"partner", new(partnerSpec)},
	} {
		if fields, _ := fieldsOf(section.spec); fields[key] != nil {
			owners = append(owners, section.name)
		}
	}
	return strings.Join(owners, " or ")
}

// fieldsOf returns pointers to the tagged fields of the struct that target points to, by key. It
// also returns the keys in the order of the fields.
func fieldsOf(target any) (fields map[string]any, keys []string) {
	fields = make(map[string]any)
	value := reflect.ValueOf(target).Elem()
	for _, field := range reflect.VisibleFields(value.Type()) {
		if key := field.Tag.Get("yaml"); key != "" {
			fields[key] = value.FieldByIndex(field.Index).Addr().Interface()
			keys = append(keys, key)
		}
	}
	return fields, keys
}

// set sets the variable that target points to.
func (s section) set(target any, key string, value *yaml.Node) (err error) {
	want := "one value, not a list or a map"
	switch target := target.(type) {
	case *int:
		if *target, err = ParseInt(value.Value); err != nil {
			err = s.errorf(key, "%s must be a whole number", key)
		}
		return err
	case *time.Duration:
		if *target, err = ParseDuration(value.Value); err != nil {
			err = s.errorf(key, "%s must be %s", key, DurationHint)
		}
		return err
	case *[]string:
		want = "a list, such as [outgoing, state]"
		for n, item := range value.Content {
			s.lines[fmt.Sprintf("%s%s[%d]", s.prefix, key, n)] = item.Line
		}
	case *map[string]string:
		want = "a map with one value per name, such as {team: sales}"
	case *[]yaml.Node:
		want = "a list, in which each instance begins with a dash"
	}
	return decodeError(value.Decode(target), value.Line, key+" must be "+want)
}

// deref returns the node that an alias refers to.
func deref(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)
	repeatedKey = regexp.MustCompile(`^mapping key (".*") already defined at line (\d+)$`)
)

// decodeError converts an error of yaml.Node.Decode for a node in the given line. The text is
// wrongType, unless a key is repeated or the YAML is invalid. It never contains anything that could
// be a token. The error is nil if err is nil.
func decodeError(err error, line int, wrongType string) error {
	if err == nil {
		return nil
	}
	var typeError *yaml.TypeError
	if !errors.As(err, &typeError) {
		return lineError{line, errors.New("invalid YAML; check aliases, merge keys and tags")}
	}
	match := yamlLine.FindStringSubmatch(typeError.Errors[0])
	line, _ = strconv.Atoi(match[1])
	text := wrongType
	repeated := repeatedKey.FindStringSubmatch(typeError.Errors[0][len(match[0]):])
	if repeated != nil {
		key, _ := strconv.Unquote(repeated[1])
		text = fmt.Sprintf("duplicate key%s; the first is in line %s", quoteShort(key), repeated[2])
	}
	return lineError{line, errors.New(text)}
}
