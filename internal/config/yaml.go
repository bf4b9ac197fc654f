package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads the one document of a file, strictly.
func decode(text []byte) (*fileNode, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	file := new(fileNode)
	err := decoder.Decode(file)
	switch {
	case errors.Is(err, io.EOF):
		return nil, lineError{1, errors.New("the file is empty")}
	case err != nil:
		return nil, explain(err)
	}
	file.lines.of(text)
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		return nil, lineError{more.Line, errors.New("there is a second document; there must be one")}
	} else if !errors.Is(err, io.EOF) {
		return nil, explain(err)
	}
	return file, nil
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s+)?line (\d+): `)
	unknownField = regexp.MustCompile(`^field (.*) not found in type config\.(\w+)$`)
	repeatedKey  = regexp.MustCompile(`^mapping key "(.*)" already defined at line (\d+)$`)
	plainWords   = regexp.MustCompile(`^[a-z ,]+$`)
	plainKey     = regexp.MustCompile(`^[a-z_]{1,24}$`)
)

// explain makes one line of what the YAML library says. It repeats only what cannot be a token.
func explain(err error) error {
	var ours lineError
	if errors.As(err, &ours) {
		return ours
	}
	text, line := err.Error(), 0
	var wrongType *yaml.TypeError
	if errors.As(err, &wrongType) && len(wrongType.Errors) > 0 {
		text = wrongType.Errors[0]
	}
	if at := yamlLine.FindStringSubmatch(text); at != nil {
		line, _ = strconv.Atoi(at[1])
		text = text[len(at[0]):]
	}
	return lineError{line, errors.New(reword(strings.TrimPrefix(text, "yaml: ")))}
}

func reword(text string) string {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		key := "an unknown key"
		if plainKey.MatchString(m[1]) {
			key = "unknown key " + m[1]
		}
		return key + "; here can be " + strings.Join(knownKeys(m[2]), ", ")
	}
	if m := repeatedKey.FindStringSubmatch(text); m != nil && plainKey.MatchString(m[1]) {
		return m[1] + " is given twice, first in line " + m[2]
	}
	if plainWords.MatchString(text) {
		return "here or further down this is no YAML: " + text + "; look at the indentation, quotes and brackets"
	}
	return "here or further down this is no YAML, or of another shape than it must have: look at the indentation, quotes and brackets; deploy/greenapi_exporter.yml is an example"
}

// knownKeys are those that a part of the file can have.
func knownKeys(part string) []string {
	parts := map[string]reflect.Type{
		"fileNode": reflect.TypeFor[fileNode](), "instanceNode": reflect.TypeFor[instanceNode](), "partnerNode": reflect.TypeFor[partnerNode](),
	}
	var list func(reflect.Type) []string
	list = func(of reflect.Type) []string {
		var all []string
		for i := range of.NumField() {
			field := of.Field(i)
			if field.Anonymous {
				all = append(all, list(field.Type)...)
				continue
			}
			if key := field.Tag.Get("yaml"); key != "" {
				all = append(all, key)
			}
		}
		return all
	}
	if parts[part] == nil {
		return nil
	}
	return list(parts[part])
}

// lines are where the parts of a file begin that can be there without a value of their own.
type lines struct {
	instances []int // of each one that is listed
	partner   int
}

// of finds them in the text, which has been decoded before.
func (l *lines) of(text []byte) {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return
	}
	top := document.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		switch top[i].Value {
		case "partner":
			l.partner = top[i].Line
		case "instances":
			for _, item := range resolved(top[i+1]).Content {
				l.instances = append(l.instances, item.Line)
			}
		}
	}
}
