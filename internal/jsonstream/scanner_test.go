package jsonstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// decode reads a whole stream. Numbers become json.Number.
func decode(r io.Reader) (any, error) {
	s := New(r)
	v := decodeValue(s, s.Start())
	if err := s.End(); err != nil {
		return nil, err
	}
	return v, nil
}

func decodeValue(s *Scanner, c byte) any {
	switch c {
	case '[':
		list := []any{}
		for c, ok := s.Element(); ok; c, ok = s.Element() {
			list = append(list, decodeValue(s, c))
		}
		return list
	case '{':
		object := map[string]any{}
		for key, ok := s.Key(); ok; key, ok = s.Key() {
			name := string(key)
			object[name] = decodeValue(s, s.Value())
		}
		return object
	case '"':
		return string(s.ReadString(nil))
	case 't', 'f', 'n', 'N', 'I':
		s.Skip(c)
		return map[byte]any{'t': true, 'f': false}[c]
	default:
		return json.Number(s.ReadWord(c))
	}
}

// skip skips a whole stream.
func skip(r io.Reader) error {
	s := New(r)
	s.Skip(s.Start())
	return s.End()
}

// decodeStrictly is decode with encoding/json.
func decodeStrictly(body []byte) (v any, err error) {
	if !json.Valid(body) {
		return nil, errors.New("invalid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return v, d.Decode(&v)
}

// allTokens contains every kind of token.
const allTokens = "\xEF\xBB\xBF" +
	` [,{"a":[1,-2.5e-3,0.1E+7,true,false,null,"\"x\\\u00e9\ud83d\ude04"],,"\u0062":{}},[[]],` +
	`"\ud83dx",] `

func TestTolerancesOfTheScanner(t *testing.T) {
	want := []any{
		map[string]any{
			"a": []any{
				json.Number("1"), json.Number("-2.5e-3"), json.Number("0.1E+7"), true, false, nil,
				"\"x\\é😄",
			},
			"b": map[string]any{},
		},
		[]any{[]any{}}, "\uFFFDx",
	}
	for split := range len(allTokens) + 1 {
		body := io.MultiReader(strings.NewReader(allTokens[:split]),
			strings.NewReader(allTokens[split:]))
		if got, err := decode(body); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("split at %d: got %v, %v", split, got, err)
		}
	}
	for _, body := range []string{
		"[,]", "[,,1,,]", "{,}", `{,"a":1,,"b":2,}`, "[\"a\xff\x01\n\"]", " \t\r\n0 \t\r\n",
		"[NaN,Infinity,-Infinity]", `{"a":NaN,"b":Infinity,"c":-Infinity}`, "NaN ",
		"-Infinity ", "null ",
	} {
		if _, err := decode(strings.NewReader(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if err := skip(strings.NewReader(body)); err != nil {
			t.Errorf("%s: skipped with %v", body, err)
		}
	}
}

func TestSyntaxErrorsHaveAnOffset(t *testing.T) {
	for body, want := range map[string]string{
		`[1 2]`:               "missing comma at offset 3",
		`[{}{}]`:              "missing comma at offset 3",
		`{"a":1 "b":2}`:       "missing comma at offset 7",
		`{"a" 1}`:             "missing colon after a key at offset 5",
		`{"a",:1}`:            "missing colon after a key at offset 4",
		`{"a":,1}`:            "invalid value at offset 5",
		`{1:2}`:               "a key is not a string at offset 1",
		`{]}`:                 "a key is not a string at offset 1",
		`[}]`:                 "invalid value at offset 1",
		`[nul]`:               "invalid value at offset 1",
		`[yes]`:               "invalid value at offset 1",
		`[01]`:                "invalid value at offset 1",
		`[1.]`:                "invalid value at offset 1",
		`[1e+]`:               "invalid value at offset 1",
		`[NaM]`:               "invalid value at offset 1",
		`[nan]`:               "invalid value at offset 1",
		`[-NaN]`:              "invalid value at offset 1",
		`[+Infinity]`:         "invalid value at offset 1",
		`[-Infinite]`:         "invalid value at offset 1",
		`[InfinityInfinity]`:  "invalid value at offset 1",
		`[-]`:                 "invalid value at offset 1",
		`[1.2.3]`:             "invalid value at offset 1",
		`["\x"]`:              "invalid escape at offset 3",
		`["\u12"]`:            "invalid escape at offset 6",
		`["\u001` + "\x10\"]": "invalid escape at offset 7",
		"[\xEF]":              "invalid value at offset 1",
		"\xEF\xBB[]":          "incomplete byte order mark at offset 2",
		`[] x`:                "data after the end at offset 3",
		`[],`:                 "data after the end at offset 2",
	} {
		var syntax *SyntaxError
		err := skip(strings.NewReader(body))
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%s: skipped with %v, want %s", body, err, want)
		}
		_, err = decode(strings.NewReader(body))
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestAnyWordIsAValueIfAllowed(t *testing.T) {
	for _, word := range []string{
		"nan", "-NaN", "undefined", "None", "0x1F", "1.", "+1", "-", "01", ".5", "1.2.3", "nul",
		"snake_case", strings.Repeat("x", 2*bufferSize),
	} {
		for body, valid := range map[string]bool{
			"[" + word + "]": true, `{"a":` + word + ` ,"b":[` + word + `,1]}`: true,
			"[" + word: false, "[" + word + " x]": false, "[" + word + `"x"]`: false,
			"[" + word + "{}]": false, "[<" + word + ">]": false, "[1]" + word: false,
			"{" + word + ":1}": false, word: false,
		} {
			s := New(iotest.HalfReader(strings.NewReader(body)))
			s.AnyWord = true
			s.Skip(s.Start())
			if err := s.End(); (err == nil) != valid {
				t.Errorf("%.40s: got %v, want valid: %v", body, err, valid)
			}
			if err := skip(strings.NewReader(body)); err == nil {
				t.Errorf("%.40s: accepted by default", body)
			}
		}
	}
}

func TestTruncatedInputAndReadErrorsAreReported(t *testing.T) {
	whole := strings.TrimRight(allTokens, " ")
	for cut := range len(whole) {
		if err := skip(strings.NewReader(whole[:cut])); err != io.ErrUnexpectedEOF {
			t.Errorf("cut at %d: got %v", cut, err)
		}
		if err := skip(failAfter(whole[:cut], io.ErrClosedPipe)); err != io.ErrClosedPipe {
			t.Errorf("read error at %d: got %v", cut, err)
		}
	}
	if err := skip(failAfter(whole, io.ErrUnexpectedEOF)); err != io.ErrUnexpectedEOF {
		t.Errorf("read error after the value: got %v", err)
	}
}

func failAfter(text string, err error) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(err))
}

// emptyReads returns no bytes and no error for a number of reads, and then io.EOF.
type emptyReads int

func (n *emptyReads) Read([]byte) (int, error) {
	if *n--; *n < 0 {
		return 0, io.EOF
	}
	return 0, nil
}

func TestAHundredEmptyReadsAreAnError(t *testing.T) {
	for n := range 102 {
		want := io.ErrUnexpectedEOF
		if n >= 100 {
			want = io.ErrNoProgress
		}
		reads := emptyReads(n)
		if err := skip(&reads); err != want {
			t.Errorf("after %d empty reads: got %v, want %v", n, err, want)
		}
	}
}

// parts is a stream of parts. Each ends with ErrPartEnd, except the last one.
type parts []string

func (p *parts) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(2, len(b))], (*p)[0])
	if (*p)[0] = (*p)[0][n:]; (*p)[0] != "" {
		return n, nil
	}
	*p = (*p)[1:]
	return n, ErrPartEnd
}

func TestPartsAfterTheValueAreIgnored(t *testing.T) {
	for _, c := range []struct {
		parts parts
		want  string
	}{
		{parts{`["a`, `b",1`, `2]`}, ""},
		{parts{"", "", `["ab"`, "", "", `]`, ""}, ""},
		{parts{`[]`, `x`}, ""},
		{parts{`[]`, "", `x`}, ""},
		{parts{` [ `, ` ] `, `]`}, ""},
		{parts{`[]x`, `[]`}, "data after the end at offset 2"},
		{parts{`[`, `x]`}, "invalid value at offset 1"},
		{parts{`[`, ``}, io.ErrUnexpectedEOF.Error()},
		{parts{``, ``}, io.ErrUnexpectedEOF.Error()},
	} {
		got := ""
		if err := skip(&c.parts); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.parts, got, c.want)
		}
	}
}

func TestNestingIsLimited(t *testing.T) {
	for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		nested := func(depth int) io.Reader {
			return strings.NewReader(strings.Repeat(brackets[0], depth-1) + "[]" +
				strings.Repeat(brackets[1], depth-1))
		}
		if err := skip(nested(maxDepth)); err != nil {
			t.Errorf("%d levels of %s: %v", maxDepth, brackets[0], err)
		}
		var syntax *SyntaxError
		if err := skip(nested(maxDepth + 1)); !errors.As(err, &syntax) {
			t.Errorf("%d levels of %s: got %v, want a syntax error", maxDepth+1, brackets[0], err)
		}
	}
}

func TestStringsLongerThanTheBuffer(t *testing.T) {
	for _, size := range []int{bufferSize - 30, bufferSize, 3*bufferSize + 7} {
		for _, piece := range []string{"x", `\n`, `\"`, `\\`, `\ud83d\ude04`, "é"} {
			long := `"` + strings.Repeat(piece, size/len(piece)) + `"`
			var want string
			if err := json.Unmarshal([]byte(long), &want); err != nil {
				t.Fatal(err)
			}
			s := New(strings.NewReader(long))
			s.Start()
			var hash uint64
			got := string(s.ReadString(&hash))
			err := s.End()
			if err != nil || got != want[:MaxLen] || hash != xxhash.Sum64String(want) {
				t.Errorf("%d bytes of %s: got %s, %v", size, piece, got, err)
			}
			if err := skip(strings.NewReader(long)); err != nil {
				t.Errorf("%d bytes of %s: skipped with %v", size, piece, err)
			}
		}
	}
}

func TestLongNumbersAreTruncated(t *testing.T) {
	long := "1." + strings.Repeat("0", 2*bufferSize) + "1"
	got, err := decode(strings.NewReader(long + " "))
	if err != nil || got != json.Number(long[:MaxLen]) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBufferedTextCanBeReadByTheCaller(t *testing.T) {
	s := New(iotest.OneByteReader(strings.NewReader(`[{"a":1},{"b":2}]`)))
	s.Start()
	s.Element()
	if !s.Prefetch(7) || s.Prefetch(7) || string(s.Buffered()) != `"a":1},`+"\x00" {
		t.Fatalf("buffered %q", s.Buffered())
	}
	start := s.Offset()
	s.Discard(len(`"a":1}`))
	if got := string(s.Since(start)); got != `"a":1}` || s.Offset() != 8 {
		t.Errorf("got %q to offset %d", got, s.Offset())
	}
	if c, ok := s.Element(); c != '{' || !ok {
		t.Errorf("next element: %q, %v", c, ok)
	}
	s.Prefetch(bufferSize - 1)
	if rest := string(s.Buffered()); rest != `"b":2}]`+"\x00" {
		t.Errorf("rest: %q", rest)
	}
	if s.Since(0) != nil {
		t.Error("Since returns bytes that are no longer buffered")
	}
}

// FuzzScanner compares the Scanner with encoding/json. The sizes of the reads must not change the
// result, and truncated input must be rejected.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(allTokens))
	f.Add([]byte(`{"a":[[[[{"b":[1,2,{"c":"\ud800\udc00"}]}]]]]}`))
	f.Add([]byte(`"\ud83d\ud83d\ude04\u0041"`))
	f.Add([]byte("[1.5e-7,0,-0,10]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode(bytes.NewReader(body))
		again, againErr := decode(iotest.OneByteReader(bytes.NewReader(body)))
		if fmt.Sprint(err) != fmt.Sprint(againErr) || !reflect.DeepEqual(got, again) {
			t.Fatalf("got %v, %v; byte by byte: %v, %v", got, err, again, againErr)
		}
		if skipErr := skip(bytes.NewReader(body)); fmt.Sprint(err) != fmt.Sprint(skipErr) {
			t.Fatalf("got %v; skipped with %v", err, skipErr)
		}
		want, strictErr := decodeStrictly(append(bytes.Clone(body), ' '))
		valid := strictErr == nil && utf8.Valid(body) && len(body) < MaxLen
		if valid && err != nil && !endsInWord(body) {
			t.Fatalf("got %v; encoding/json: %v", err, want)
		}
		if valid && err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v; encoding/json: %v", got, want)
		}
		whole := bytes.TrimRight(body, " \t\r\n")
		if err != nil || len(whole) == 0 {
			return
		}
		for _, cut := range []int{len(whole) - 1, len(whole) / 2, len(whole) / 3} {
			if skip(bytes.NewReader(whole[:cut])) == nil {
				t.Fatalf("accepts input truncated at %d of %d", cut, len(whole))
			}
		}
	})
}

// endsInWord reports whether the input ends with a word, which counts as truncated.
func endsInWord(body []byte) bool { return isWordByte(body[len(body)-1]) }
