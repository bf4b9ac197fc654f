package greenapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"greenapi_exporter/internal/jsonstream"
)

// FuzzReadJournal compares rowReader with encoding/json: both must read the same rows of an array
// that is valid JSON. For any input, the sizes of the reads and the template
// must not change the result, and truncated input must be rejected.
func FuzzReadJournal(f *testing.F) {
	for _, c := range legal {
		f.Add([]byte(c.body))
	}
	f.Add([]byte(rich))
	f.Add([]byte(`{"code":401,"description":"Unauthorized"}`))
	f.Add([]byte(`[{"a":[[[[{"b":[1,2,{"c":"\ud800\udc00"}]}]]]]}]`))
	f.Add([]byte(`[{"timestamp":"A","timestamp":0}]`))
	f.Add([]byte(`[{"timestamp":1,"timestamp":null},null,{"timestamp":"0"}]`))
	f.Add([]byte(`[{"idMessage":12,"typeMessage":"quotedMessage","timestamp":1e10}]`))
	f.Add([]byte(`[{"idMessage":"a","n":17,"typeMessage":"b"},{"idMessage":"aa","n":1.5,` +
		`"typeMessage":"bb"},{"idMessage":"a","n":1.,"typeMessage":"b"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := readAll(bytes.NewReader(body))

		again, againErr := readAll(iotest.OneByteReader(bytes.NewReader(body)))
		if (err == nil) != (againErr == nil) || !slices.Equal(rows, again) {
			t.Fatalf("byte by byte: %+v, %v; at once: %+v, %v", again, againErr, rows, err)
		}
		slow, slowErr := readWithoutTemplate(bytes.NewReader(body))
		if fmt.Sprint(err) != fmt.Sprint(slowErr) || !slices.Equal(rows, slow) {
			t.Fatalf("without a template: %+v, %v; with it: %+v, %v", slow, slowErr, rows, err)
		}
		if want, ok := decodeStrictly(body); ok && (err != nil || !slices.Equal(rows, want)) {
			t.Fatalf("encoding/json: %+v\nrowReader: %+v, %v", want, rows, err)
		}
		if err != nil {
			return
		}
		whole := bytes.TrimRight(body, " \t\r\n")
		for _, cut := range []int{len(whole) - 1, len(whole) / 2, len(whole) / 3} {
			if _, err := readAll(bytes.NewReader(whole[:cut])); err == nil {
				t.Fatalf("accepts input truncated at %d of %d", cut, len(whole))
			}
		}
	})
}

// FuzzMemory repeats a piece after the start of a journal, and checks that the reader allocates
// less than the length of the result. The length is a few times that of the reader's buffer, so
// that an execution is fast.
func FuzzMemory(f *testing.F) {
	for _, start := range []string{
		"", "[", "[{", `[{"`, `[{"a":`, `[{"a":"`, `[{"idMessage":"`, `[{"idMessage":`,
		`[{"timestamp":`, `[{"timestamp":"1`, "[{}", "{", `{"`, "<", "\xEF",
	} {
		for _, piece := range []string{"x", `\u0041`, "[", `{"a":`, "1", ",", `"a":"b",`, " "} {
			f.Add(start, piece)
		}
	}
	f.Fuzz(func(t *testing.T, start, piece string) {
		const length = 768 << 10
		if piece == "" || len(start)+len(piece) > 1000 {
			return
		}
		body := strings.NewReader(start + strings.Repeat(piece, length/len(piece)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = discard(body)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > length*2/3 {
			t.Fatalf("%q, followed by a repeated %q, allocates %d bytes", start, piece, n)
		}
	})
}

// decodeStrictly reads a journal with encoding/json. It reports false if rowReader can differ.
func decodeStrictly(body []byte) ([]rowValues, bool) {
	var elements []json.RawMessage
	if !utf8.Valid(body) || json.Unmarshal(body, &elements) != nil || elements == nil {
		return nil, false
	}
	rows := []rowValues{}
	for _, element := range elements {
		var object map[string]json.RawMessage
		if json.Unmarshal(element, &object) != nil || object == nil {
			continue // not a row
		}
		id := text(object["idMessage"])
		if raw := string(object["idMessage"]); len(raw) < jsonstream.MaxLen && areDigits(raw) {
			id = raw
		}
		r := untimed(id, text(object["typeMessage"]), text(object["statusMessage"]))
		r.Type = r.Type[:min(len(r.Type), maxString)]
		r.Status = r.Status[:min(len(r.Status), maxString)]
		r.decodeTimestamp(object["timestamp"])
		rows = append(rows, r)
	}
	return rows, true
}

func (r *rowValues) decodeTimestamp(raw json.RawMessage) {
	if raw == nil || string(raw) == "null" {
		return
	}
	if s := text(raw); areDigits(s) {
		raw = json.RawMessage(s)
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	r.Timed = err == nil && len(raw) < jsonstream.MaxLen &&
		0 < seconds && seconds <= latestTimestamp
	if r.BadTimestamp = !r.Timed; r.Timed {
		r.Timestamp = seconds
	}
}

func areDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
