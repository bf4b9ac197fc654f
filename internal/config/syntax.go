package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML returns the root of the only document in the text. Empty documents do not count.
func parseYAML(text []byte) (*yaml.Node, error) {
	reader := &lineReader{text: text}
	root, err := parseDocument(reader)
	var at lineError
	switch {
	case err == nil && root == nil:
		return nil, lineError{1, errors.New("the file is empty; " + needsInstances)}
	case err == nil || errors.As(err, &at):
		return root, err
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, errors.New("invalid YAML in UTF-16; save the file as UTF-8 to see the line")
	case !utf8.Valid(text), bytes.IndexByte(text, 0) >= 0:
		return nil, lineError{reader.line(), errors.New("the file is not UTF-8 text; " +
			"save it as UTF-8")}
	}
	return nil, syntaxError(text, reader.line(), err)
}

func parseDocument(reader io.Reader) (root *yaml.Node, _ error) {
	decoder := yaml.NewDecoder(reader)
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		content := document.Content[0]
		switch {
		case content.ShortTag() == "!!null":
		case root != nil:
			return nil, lineError{document.Line, errors.New("second YAML document; keep only one")}
		default:
			root = content
		}
	}
}

// lineReader returns at most one line per Read, so line tells how far the parser has read.
type lineReader struct {
	text []byte
	read int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if r.read == len(r.text) {
		return 0, io.EOF
	}
	rest := r.text[r.read:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end+1]
	}
	n := copy(p, rest)
	r.read += n
	return n, nil
}

// line returns the number of the last line that was read.
func (r *lineReader) line() int {
	return 1 + bytes.Count(bytes.TrimSuffix(r.text[:r.read], []byte("\n")), []byte("\n"))
}

// maxSteps bounds the time for finding a line in a large file.
const maxSteps = 50

var (
	// safeReason matches errors of the YAML library that repeat nothing of the file.
	safeReason = regexp.MustCompile(`^[a-z ,<>]+('[],}:>-]'[a-z ,]*)*$`)
	// tabIndent matches a line whose indentation contains a tab.
	tabIndent = regexp.MustCompile(`^[ -]*\t`)
	// missingSpace matches a key whose colon is not followed by a space.
	missingSpace = regexp.MustCompile(`^[ -]*[a-z_]+:[^\s/]`)
	// indentedFirst matches the text up to its first key, if that is indented.
	indentedFirst = regexp.MustCompile(`^(\s*(#.*|---.*)?\n)* +[^\s#]`)
)

// syntaxError converts an error of the YAML library. It names the first line that cannot follow the
// lines above it. The library often names another line.
func syntaxError(text []byte, lastRead int, err error) error {
	match := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(match[1])
	reason := err.Error()[len(match[0]):]
	lines := bytes.SplitAfter(text, []byte("\n"))
	if strings.Contains(reason, "',' or") {
		line++ // the library counts the lines of these errors from 0
	} else if n := validLines(lines, lastRead); n >= 0 {
		line = n + 1
	}
	line = min(max(line, 1), len(lines)) // the library does not name the first line
	previous := max(line-2, 0)           // the index of the line above that is not blank
	for previous > 0 && len(bytes.TrimSpace(lines[previous])) == 0 {
		previous--
	}
	advice := "check the indentation, quotes and brackets of this line"
	switch {
	case tabIndent.Match(lines[line-1]):
		reason, advice = "the line is indented with a tab", "YAML allows only spaces there"
	case missingSpace.Match(lines[line-1]):
		reason, advice = "no space after the colon", "write a space between key and value"
	case missingSpace.Match(lines[previous]):
		line = previous + 1
		reason, advice = "no space after the colon", "write a space between key and value"
	case strings.HasSuffix(reason, "unexpected end of stream"):
		reason, advice = "a quote is not closed", "quotes come in pairs"
	case strings.HasPrefix(reason, "unknown anchor"):
		reason, advice = "undefined alias", "quote a value that begins with *"
	case strings.HasSuffix(reason, "<document start>") && indentedFirst.Match(text):
		first := 1 + bytes.Count(indentedFirst.Find(text), []byte("\n"))
		reason = fmt.Sprintf("the line is indented less than line %d", first)
		advice = "indent all keys of a section by the same number of spaces"
	case !safeReason.MatchString(reason):
		reason = "syntax error"
	}
	return lineError{line, fmt.Errorf("invalid YAML: %s; %s", reason, advice)}
}

// validLines returns the length of the longest valid beginning of the file, as a number of lines
// less than lastRead. It returns -1 if it does not find one in maxSteps steps.
func validLines(lines [][]byte, lastRead int) int {
	for n := min(lastRead, len(lines)) - 1; n >= max(0, lastRead-maxSteps); n-- {
		_, err := parseDocument(bytes.NewReader(bytes.Join(lines[:n], nil)))
		var at lineError
		if err == nil || errors.As(err, &at) {
			return n
		}
	}
	return -1
}
