package greenapi

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cespare/xxhash/v2"

	"greenapi_exporter/internal/jsonstream"
	"greenapi_exporter/internal/simulator"
)

// rowValues is a copy of a Row.
type rowValues struct {
	Key, LegacyKey uint64
	Type, Status   string
	Timestamp      float64
	Timed          bool
	BadTimestamp   bool
}

// latestTimestamp is the last usable timestamp in tests.
const latestTimestamp = 1.8e9

// readAll reads a journal and copies its rows.
func readAll(body io.Reader) ([]rowValues, error) {
	return collect(body, new(rowTemplate))
}

// collect is readAll with the given template.
func collect(body io.Reader, template *rowTemplate) ([]rowValues, error) {
	rows := []rowValues{}
	r := newRowReader(body, latestTimestamp)
	r.template = template
	for r.next() {
		rows = append(rows, valuesOf(&r.row))
	}
	return rows, r.in.End()
}

// discard reads a journal without copying its rows.
func discard(body io.Reader) error {
	r := newRowReader(body, latestTimestamp)
	for r.next() {
	}
	return r.in.End()
}

func valuesOf(r *Row) rowValues {
	return rowValues{r.Key, r.LegacyKey, string(r.Type), string(r.Status), r.Timestamp, r.Timed,
		r.BadTimestamp}
}

// keyOf computes the key of a message whose type is not one of the types of texts.
func keyOf(id, kind string) uint64 {
	if id == "" || kind == "" {
		return 0
	}
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], xxhash.Sum64String(id))
	binary.LittleEndian.PutUint64(both[8:], xxhash.Sum64String(kind))
	return max(1, xxhash.Sum64(both[:]))
}

func row(id, kind, status string, timestamp float64) rowValues {
	r := untimed(id, kind, status)
	r.Timestamp, r.Timed = timestamp, true
	return r
}

func untimed(id, kind, status string) rowValues {
	r := rowValues{Key: keyOf(id, kind), Type: kind, Status: status}
	if r.Key != 0 && (kind == "extendedTextMessage" || kind == "quotedMessage") {
		r.Key, r.LegacyKey = keyOf(id, "textMessage"), r.Key
	}
	return r
}

func badlyTimed(id, kind, status string) rowValues {
	r := untimed(id, kind, status)
	r.BadTimestamp = true
	return r
}

var legal = []struct {
	name string
	body string
	want []rowValues
}{
	{"empty", `[]`, nil},
	{"white space", " \t\r\n[ \t\r\n] \t\r\n", nil},
	{"byte order mark", "\xEF\xBB\xBF[]", nil},
	{"a row",
		`[{"type":"outgoing","idMessage":"BAE5","timestamp":1706601634,` +
			`"typeMessage":"textMessage","statusMessage":"read"}]`,
		[]rowValues{row("BAE5", "textMessage", "read", 1706601634)}},
	{"keys in any order",
		`[{"statusMessage":"sent","timestamp":7,"typeMessage":"a","idMessage":"1"},` +
			`{"idMessage":"2","statusMessage":"read","typeMessage":"b","timestamp":8}]`,
		[]rowValues{row("1", "a", "sent", 7), row("2", "b", "read", 8)}},
	{"nested objects have keys of their own",
		`[{"quotedMessage":{"idMessage":"9","typeMessage":"x","statusMessage":"y","timestamp":9,` +
			`"deep":[{"idMessage":"8"}]},"idMessage":"1","typeMessage":"a",` +
			`"statusMessage":"sent","timestamp":7,"after":{"statusMessage":"read"}}]`,
		[]rowValues{row("1", "a", "sent", 7)}},
	{"incomplete rows",
		`[{"type":"outgoing","typeMessage":""},{},{"idMessage":"1"},{"typeMessage":"a"}]`,
		[]rowValues{untimed("", "", ""), untimed("", "", ""), untimed("1", "", ""),
			untimed("", "a", "")}},
	{"nulls", `[{"idMessage":null,"typeMessage":null,"statusMessage":null,"timestamp":null}]`,
		[]rowValues{untimed("", "", "")}},
	{"members of another type",
		`[{"idMessage":["1"],"typeMessage":{"a":"b"},"statusMessage":1e3,"timestamp":5},` +
			`{"idMessage":true,"typeMessage":false,"statusMessage":-0.5E-7}]`,
		[]rowValues{row("", "", "", 5), untimed("", "", "")}},
	{"words that are not JSON",
		`[{"idMessage":"1","typeMessage":"a","statusMessage":"sent","timestamp":5,"a":nan,` +
			`"b":-NaN,"c":{"d":[undefined,0x1F,1.,+1,-],"e":01,"f":.5,"g":1.2.3}},` +
			`{"idMessage":None,"typeMessage":None,"statusMessage":yes,"timestamp":6}]`,
		[]rowValues{row("1", "a", "sent", 5), row("", "", "", 6)}},
	{"a member twice: the last",
		`[{"idMessage":"1","idMessage":"2","typeMessage":"a","timestamp":1,"timestamp":2,` +
			`"statusMessage":"sent","statusMessage":null}]`,
		[]rowValues{row("2", "a", "", 2)}},
	{"escapes in keys and values",
		`[{"\u0069dMessage":"\u0031","type\u004dessage":"\"\\\/\b\f\n\r\t",` +
			`"statusMessage":"s\u00e9\ud83d\ude04","time\u0073tamp":"\u0037"}]`,
		[]rowValues{row("1", "\"\\/\b\f\n\r\t", "sé😄", 7)}},
	{"lone surrogates",
		`[{"idMessage":"\ud83d","typeMessage":"\ude04a",` +
			`"statusMessage":"\ud83dx\ud83d\ud83d\ude04\ud83d\n"}]`,
		[]rowValues{untimed("\uFFFD", "\uFFFDa", "\uFFFDx\uFFFD😄\uFFFD\n")}},
	{"invalid UTF-8 and control characters",
		"[{\"idMessage\":\"a\xff\x01\n\",\"typeMessage\":\"t\"}]",
		[]rowValues{untimed("a\xff\x01\n", "t", "")}},
	{"timestamps",
		`[{"timestamp":"1706601634"},{"timestamp":1706601634.5},{"timestamp":1.7e9},` +
			`{"timestamp":1800000000}]`,
		[]rowValues{row("", "", "", 1706601634), row("", "", "", 1706601634.5),
			row("", "", "", 1.7e9), row("", "", "", 1.8e9)}},
	{"stray commas between rows",
		`[,{"idMessage":"1","typeMessage":"a"},,{"idMessage":"2","typeMessage":"a"},]`,
		[]rowValues{untimed("1", "a", ""), untimed("2", "a", "")}},
	{"only commas", `[,,,]`, nil},
	{"stray commas between members",
		`[{,"idMessage":"1",,"typeMessage":"a","o":{,"x":1,},"l":[,1,,2,],}]`,
		[]rowValues{untimed("1", "a", "")}},
	{"values of every kind are skipped",
		`[{"a":true,"b":false,"c":null,"d":-0.1e+7,"e":"\"","f":[[],{},[{}]],"g":{"h":{"i":[0]}},` +
			`"typeMessage":"z"}]`,
		[]rowValues{untimed("", "z", "")}},
}

func TestReadRows(t *testing.T) {
	for _, c := range legal {
		t.Run(c.name, func(t *testing.T) {
			rows, err := readAll(strings.NewReader(c.body))
			if err != nil || !slices.Equal(rows, c.want) {
				t.Errorf("got %+v, %v\nwant %+v", rows, err, c.want)
			}
		})
	}
}

func TestInvalidJournalsAreRejected(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"an empty body", ``},
		{"white space alone", " \n"},
		{"null", `null`},
		{"an object", `{"a":1}`},
		{"a string", `"[]"`},
		{"half a byte order mark", "\xEF\xBB[]"},
		{"two byte order marks", "\xEF\xBB\xBF\xEF\xBB\xBF[]"},
		{"no comma between elements", `[1 2]`},
		{"an element that is an invalid array", `[[1 2]]`},
		{"data after the end", `[] x`},
		{"a second array", `[][]`},
		{"a comma after the array", `[],`},
		{"no comma between rows", `[{}{}]`},
		{"no comma between members", `[{"a":1 "b":2}]`},
		{"no comma between nested values", `[{"a":[1 2]}]`},
		{"no comma between nested members", `[{"a":{"b":1 "c":2}}]`},
		{"no colon", `[{"a" 1}]`},
		{"a comma after the colon", `[{"a":,1}]`},
		{"a comma before the colon", `[{"a",:1}]`},
		{"a key that is not a string", `[{1:2}]`},
		{"a nested key that is not a string", `[{"a":{b:2}}]`},
		{"brackets that do not match", `[{"a":[}]}]`},
		{"braces that do not match", `[{"a":{]}}]`},
		{"plain words", `Service is down`},
		{"plain words as an element", `[Service is down]`},
		{"plain words as a member", `[{"a":Service is down}]`},
		{"HTML as an element", `[<p>Service</p>]`},
		{"HTML as a member", `[{"a":<p>Service</p>}]`},
		{"a member without a value", `[{"a":}]`},
		{"a word before a string", `[{"a":yes"x"}]`},
		{"a word before a colon", `[{"a":yes:1}]`},
		{"a word in single quotes", `[{"a":'yes'}]`},
		{"an undefined escape", `[{"a":"\x"}]`},
		{"a short \\u", `[{"a":"\u12"}]`},
		{"an invalid escape in a key", `[{"\q":1}]`},
		{"a date without quotes as a timestamp", `[{"timestamp":2025-12-08T15:30:01Z}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := readAll(strings.NewReader(c.body))
			var syntax *jsonstream.SyntaxError
			if !errors.As(err, &syntax) && err != io.ErrUnexpectedEOF {
				t.Errorf("got %+v, %v; want a syntax error or io.ErrUnexpectedEOF", rows, err)
			}
			if syntax != nil && (syntax.Offset < 0 || syntax.Offset > int64(len(c.body))) {
				t.Errorf("offset %d is outside the body of %d bytes", syntax.Offset, len(c.body))
			}
		})
	}
}

func TestErrorsInRowsHaveAnOffset(t *testing.T) {
	_, err := readAll(strings.NewReader(`[{"a":1},{"b":?}]`))
	if got, want := fmt.Sprint(err), "invalid value at offset 14"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// rich contains every kind of token.
const rich = "\xEF\xBB\xBF" +
	`[,{"type":"outgoing","idMessage":"\u0042AE\ud83d\ude04\\",` +
	`"timestamp":1706601634.25,"typeMessage":"image\u004dessage",` +
	`"o":{"a":[1,-2.5e-3,true,false,null,"\"x\\",{"idMessage":"no"}],},"statusMessage":"re\"ad"` +
	`},,{"typeMessage":"\ud83dx","idMessage":"7","timestamp":"12"},] `

var richRows = []rowValues{
	row("BAE😄\\", "imageMessage", "re\"ad", 1706601634.25), row("7", "\uFFFDx", "", 12),
}

func TestReadsCanEndAtEveryOffset(t *testing.T) {
	for split := range len(rich) + 1 {
		body := io.MultiReader(strings.NewReader(rich[:split]), strings.NewReader(rich[split:]))
		if rows, err := readAll(body); err != nil || !slices.Equal(rows, richRows) {
			t.Fatalf("split at %d: got %+v, %v", split, rows, err)
		}
	}
	for name, reader := range map[string]io.Reader{
		"one byte per read":   iotest.OneByteReader(strings.NewReader(rich)),
		"short reads":         iotest.HalfReader(strings.NewReader(rich)),
		"data with the error": iotest.DataErrReader(strings.NewReader(rich)),
	} {
		if rows, err := readAll(reader); err != nil || !slices.Equal(rows, richRows) {
			t.Errorf("%s: got %+v, %v", name, rows, err)
		}
	}
}

func TestTruncatedJournalsAreRejected(t *testing.T) {
	whole := strings.TrimRight(rich, " ")
	for cut := range len(whole) {
		if rows, err := readAll(strings.NewReader(whole[:cut])); err != io.ErrUnexpectedEOF {
			t.Errorf("cut at %d: got %+v, %v; want %v", cut, rows, err, io.ErrUnexpectedEOF)
		}
		failing := io.MultiReader(strings.NewReader(whole[:cut]),
			iotest.ErrReader(io.ErrClosedPipe))
		if _, err := readAll(failing); err != io.ErrClosedPipe {
			t.Errorf("read error at %d: got %v, want %v", cut, err, io.ErrClosedPipe)
		}
	}
	unfinished := io.MultiReader(strings.NewReader(whole), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := readAll(unfinished); err != io.ErrUnexpectedEOF {
		t.Errorf("a read error after the array: got %v", err)
	}
}

func TestFieldsLongerThanTheBuffer(t *testing.T) {
	for _, size := range []int{64<<10 - 30, 64 << 10, 192<<10 + 7} {
		for name, piece := range map[string]string{
			"plain": "x", "escapes": `\n`, "quotes": `\"`, "backslashes": `\\`,
			"surrogates": `\ud83d\ude04`,
		} {
			long := strings.Repeat(piece, size/len(piece))
			var text string // long, unescaped
			if err := json.Unmarshal([]byte(`"`+long+`"`), &text); err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(`[{"thumb":"%s","%s":{"%s":1},"idMessage":"%s",`+
				`"typeMessage":"%s","statusMessage":"%s","timestamp":5}]`,
				long, long, long, long, long, long)
			rows, err := readAll(strings.NewReader(body))
			if err != nil || len(rows) != 1 {
				t.Fatalf("%s of %d: %d rows, %v", name, size, len(rows), err)
			}
			want := rowValues{
				Key: keyOf(text, text), Type: text[:maxString], Status: text[:maxString],
				Timestamp: 5, Timed: true,
			}
			if rows[0] != want {
				t.Errorf("%s of %d: got %+v, want %+v", name, size, rows[0], want)
			}
		}
	}
}

func TestKeysDependOnEveryByte(t *testing.T) {
	long := strings.Repeat("a", 128<<10)
	rows, err := readAll(strings.NewReader(`[{"idMessage":"` + long + `1","typeMessage":"t"},` +
		`{"idMessage":"` + long + `2","typeMessage":"t"}]`))
	if err != nil || len(rows) != 2 || rows[0].Key == rows[1].Key {
		t.Errorf("got %+v, %v", rows, err)
	}
}

func TestRowsDoNotAllocate(t *testing.T) {
	allocations := func(body []byte) float64 {
		return testing.AllocsPerRun(5, func() {
			if err := discard(bytes.NewReader(body)); err != nil {
				t.Fatal(err)
			}
		})
	}
	few := allocations([]byte(`[{"a":"b"}]`))
	if few > 6 {
		t.Errorf("%v allocations for one row", few)
	}
	if many := allocations(journal(t, 10_000, false)); many > few {
		t.Errorf("%v allocations for 10,000 rows, %v for one", many, few)
	}
	// All rows are different.
	var unusual bytes.Buffer
	for i := range 10_000 {
		fmt.Fprintf(&unusual, `{"a%d":"b","c":{"d%d":1}},`, i, i)
	}
	if many := allocations(fmt.Appendf(nil, "[%s]", &unusual)); many > few {
		t.Errorf("%v allocations for 10,000 different rows, %v for one", many, few)
	}
}

// journal returns the journal of a simulated account. The messages are of all types, or only texts.
func journal(tb testing.TB, messages int, texts bool) []byte {
	tb.Helper()
	account := simulator.New(simulator.Config{
		IDInstance: "1101000001", Token: other, Seed: 1,
		Start: time.Now().Add(-20 * time.Hour), Messages: messages,
		MessagesPerHour: float64(messages) / 10, TextOnly: texts, NoRateLimit: true,
	})
	w := httptest.NewRecorder()
	target := "/waInstance1101000001/lastOutgoingMessages/" + other + "?minutes=1440"
	account.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	if w.Code != http.StatusOK {
		tb.Fatal(w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func BenchmarkReadJournal(b *testing.B) {
	for _, kind := range []string{"texts", "mixed"} {
		for _, rows := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/rows=%d", kind, rows), func(b *testing.B) {
				body := journal(b, rows, kind == "texts")
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					r := newRowReader(bytes.NewReader(body), math.Inf(1))
					for r.next() {
						n++
					}
					if err := r.in.End(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
			})
		}
	}
}

// fixedResponse is a transport that returns the same body for every request.
type fixedResponse []byte

func (body fixedResponse) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// TestJournalsAllocateLittle does not count the allocations of the request itself.
func TestJournalsAllocateLittle(t *testing.T) {
	client := newTestClient(t, "https://api.example")
	client.backend.Transport = fixedResponse(journal(t, 1000, false))
	allocations := func(call func() error) float64 {
		return testing.AllocsPerRun(10, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		})
	}
	request := allocations(func() error {
		query := url.Values{"minutes": {"60"}}
		response, err := client.call(t.Context(), LastOutgoingMessages, query)
		if err == nil {
			response.close()
		}
		return err
	})
	all := allocations(func() error {
		journal, err := client.OutgoingMessages(t.Context(), 60)
		if err != nil {
			return err
		}
		for journal.Next() {
		}
		return journal.Err()
	})
	t.Logf("%v allocations for the rows, %v for the request", all-request, request)
	if all-request > 10 {
		t.Error("more than 10 allocations for 1,000 rows")
	}
}
