package greenapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// readWithoutTemplate reads a journal without a template.
func readWithoutTemplate(body io.Reader) ([]rowValues, error) {
	return collect(body, &rowTemplate{misses: maxMisses})
}

// lessons contains rows that a template can learn.
var lessons = []string{
	`"type":"outgoing","idMessage":"BAE5","timestamp":1706601634,"typeMessage":"textMessage",` +
		`"o":{"a":"b","n":0,"l":[1,"x",{},[]]},"statusMessage":"read","sendByApi":true}`,
	`"idMessage": "BAE5", "timestamp": "1706601634", "statusMessage": "sent", "typeMessage": ` +
		`"textMessage"}`,
	`"type":"outgoing","typeMessage":""}`,
	`"a":-1.5e3,"l":[[{"a":"b"}],"c"],"timestamp":7}`,
	`"idMessage":null,"typeMessage":"a"}`,
	`"timestamp":1,"timestamp":null}`,
	`"z":"zz","a":"bb","statusMessage":null,"typeMessage":["xx"],"timestamp":null}`,
	`"statusMessage":"sent","typeMessage":"a","timestamp":17,"idMessage":{"x":12},"a":"bb"}`,
	`"statusMessage":null,"a":"bb","statusMessage":"sent","b":"cc"}`,
	`"isEdited":false,"isDeleted":false}`,
	`,"idMessage":"1",,"typeMessage":"a","o":{,"x":"y",},"l":[,"1",,],}`,
	`"s":"bb"}`,
	`"n":17}`,
	`"timestamp":17}`,
	`"idMessage":"a","typeMessage":"b"}`,
	`"idMessage":17,"typeMessage":"extendedTextMessage"}`,
	`"n":NaN,"o":[Infinity,-Infinity],"idMessage":NaN,"s":"bb"}`,
	`"a":[["xx","yy","zz"]]}`,
	`"a":{"b":["xx","yy","zz"]}}`,
}

// variants contains rows of the same segments. Most have a value that a template must reject.
var variants = []string{
	`"timestamp":017}`, `"timestamp":17.5}`, `"timestamp":1234567890123456789}`,
	`"timestamp":9999999999999999}`, `"timestamp":}`,
	`"timestamp":NaN}`, `"timestamp":-Infinity}`, `"timestamp":{}}`, `"timestamp":true}`,
	`"idMessage":1.5,"typeMessage":"b"}`, `"idMessage":-5,"typeMessage":"b"}`,
	`"idMessage":017,"typeMessage":"b"}`, `"idMessage":"a","idMessage":1.5,"typeMessage":"b"}`,
	`"idMessage":` + strings.Repeat("1", 200) + `,"typeMessage":"quotedMessage"}`,
	`"timestamp":nan}`, `"timestamp":nullx}`, `"timestamp":0x1p4}`, `"timestamp":17x}`,
	`"timestamp":.5}`, `"idMessage":00123,"typeMessage":"b"}`, `"idMessage":5x,"typeMessage":"b"}`,
	`"n":nan,"idMessage":"a","typeMessage":"b"}`, `"n":0x1F}`, `"n":17x}`, `"n":nully,"s":"bb"}`,
	`"idMessage":null1,"typeMessage":"b"}`, `"n":true1,"s":"bb"}`,
	`"n":-Infinity}`, `"n":Infinit}`, `"n":NaNN}`, `"idMessage":-Infinity,"typeMessage":"b"}`,
	`"n":1.}`, `"n":01}`, `"n":1e}`, `"n":-}`, `"n":1e+}`, `"n":-0.5e+7}`,
	`"s":"\x"}`, `"s":"\u12g4"}`, `"s":"\u00e9\\\""}`, `"s":"\"}`, `"s":"` +
		strings.Repeat("x", 100) + `\x"}`, `"s":"` + strings.Repeat("x", 1000) + `\n"}`,
	`"idMessage":"\u0061","typeMessage":"b"}`, `"idMessage":"a","typeMessage":"\n"}`,
	`"idMessage":"a","typeMessage":""}`,
	`"idMessage":"a","typeMessage":"` + strings.Repeat("b", 100) + `"}`,
	`"statusMessage":"sent","typeMessage":"a","timestamp":17,"idMessage":{"x":12},"a":"bb",` +
		`"statusMessage":null,"typeMessage":["xx"],"timestamp":null}`,
	`"a":[["xx","yy"]}}`, `"a":{"b":["xx","yy"]]}`,
	strings.Repeat(`"a":"bb",`, maxValues) + `"idMessage":"a","typeMessage":"b"}`,
	`"` + strings.Repeat("k", maxTexts+1) + `":"bb"}`,
}

// learn returns a template that has learned the rows, and the number of rows that it then accepts.
func learn(rows ...string) (template *rowTemplate, accepted int) {
	template = new(rowTemplate)
	for _, row := range rows {
		_, _ = collect(strings.NewReader("[{"+row+"]"), template)
		if template.read([]byte(row+"\x00"), new(Row)) > 0 {
			accepted++
		}
	}
	return template, accepted
}

// FuzzRowTemplate compares rowTemplate with readMembers: both must return the same Row for every
// row that the template accepts, whatever it has learned.
func FuzzRowTemplate(f *testing.F) {
	for _, row := range slices.Concat(lessons, variants) {
		f.Add(row, row)
		f.Add(lessons[0], row)
	}
	f.Add(`"a":"xx","b":"yy"}`, `"a":"xx","b":"yy","a":"zz"}`)
	f.Add(`"timestamp":1,"a":{"timestamp":22}}`, `"timestamp":0,"a":{"timestamp":22}}`)
	f.Add(`"a":["idMessage","xx"]}`, `"a":"idMessage","xx"}`)
	f.Add("0", `"timestamp":9999999999}`)
	f.Fuzz(func(t *testing.T, before, row string) {
		template, _ := learn(append(slices.Clone(lessons), before)...)
		var r Row
		n := template.read([]byte(row+"\x00"), &r)
		if n == 0 {
			template, _ = learn(before, row)
			n = template.read([]byte(row+"\x00"), &r)
		}
		if n == 0 {
			return
		}
		r.checkTimestamp(latestTimestamp) // as the reader does after the template
		rows, err := readWithoutTemplate(strings.NewReader("[{" + row[:n] + "]"))
		if err != nil || len(rows) != 1 || rows[0] != valuesOf(&r) {
			t.Fatalf("%+v in %q; without a template %+v, %v", valuesOf(&r), row[:n], rows, err)
		}
	})
}

func TestLearnedRowsAreAccepted(t *testing.T) {
	for _, row := range lessons {
		if _, accepted := learn(row); accepted != 1 {
			t.Errorf("rejected: %s", row)
		}
	}
	if _, accepted := learn(`"\u0069dMessage":"aa","timestamp":17}`); accepted != 0 {
		t.Error("accepted a row with an escaped key")
	}
	deep := `"a":` + strings.Repeat("[", 63) + `"xx"` + strings.Repeat("]", 63) + "}"
	deeper := `"a":` + strings.Repeat("[", 64) + `"xx"` + strings.Repeat("]", 64) + "}"
	if _, accepted := learn(deep, deeper); accepted != 1 {
		t.Errorf("accepted %d of two deep rows, want only the less deep one", accepted)
	}
}

// TestOrdinaryRowsAreAccepted reads the journal of a simulated account with all types of messages.
func TestOrdinaryRowsAreAccepted(t *testing.T) {
	compact := journal(t, 10_000, false)
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, compact, "", " "); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"compact": compact, "spaced": spaced.Bytes()} {
		if all, accepted := countAccepted(t, body); all < 9000 || accepted < all*98/100 {
			t.Errorf("%s: accepted %d rows of %d", name, accepted, all)
		}
	}
}

// countAccepted returns the number of rows of a journal, and of those that the template accepts.
func countAccepted(t *testing.T, body []byte) (all, accepted int) {
	t.Helper()
	r := newRowReader(bytes.NewReader(body), math.Inf(1))
	for misses := 0; r.next(); misses = r.template.misses {
		all++
		if r.template.misses <= misses && misses < maxMisses {
			accepted++
		}
	}
	if err := r.in.End(); err != nil {
		t.Fatal(err)
	}
	return all, accepted
}

// TestDifferentRowsDisableTheTemplate checks that the template learns similar rows after a few
// different ones, and is disabled after many.
func TestDifferentRowsDisableTheTemplate(t *testing.T) {
	different := func(rows int) (body []byte) {
		for i := range rows {
			body = fmt.Appendf(body, `{"idMessage":"%d","m":{"k%d":"b"}},`, i, i)
		}
		return body
	}
	similar := bytes.Repeat([]byte(`{"type":"outgoing","idMessage":"BAE5","n":[1,2,3],`+
		`"typeMessage":"textMessage","statusMessage":"read"},`), 5000)
	all, accepted := countAccepted(t, fmt.Appendf(nil, "[%s%s]", different(500), similar))
	if all != 5500 || accepted < 4990 {
		t.Errorf("accepted %d of 5,000 similar rows after 500 different ones", accepted)
	}
	all, accepted = countAccepted(t, fmt.Appendf(nil, "[%s%s]", different(5000), similar))
	if all != 10_000 || accepted != 0 {
		t.Errorf("accepted %d rows after 5,000 different ones, want none", accepted)
	}
}

// BenchmarkLongStrings reads strings of 60 KB with an escape every 80 bytes.
func BenchmarkLongStrings(b *testing.B) {
	row := `{"a":"` + strings.Repeat(strings.Repeat("x", 80)+`\n`, 700) + `"},`
	body := []byte("[" + strings.Repeat(row, 100) + "]")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := discard(bytes.NewReader(body)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestBothReadersAgreeOnALongJournal(t *testing.T) {
	body := journal(t, 3000, false)
	// These rows are all different, and some exceed the buffer.
	var odd bytes.Buffer
	odd.WriteString("[")
	for i := range 300 {
		fmt.Fprintf(&odd, `{"idMessage":"%d","typeMessage":"a","k%d":"%s","timestamp":%d},,`, i, i,
			strings.Repeat("x", i*i%70_000), i)
	}
	body = append(odd.Bytes(), body[1:]...)
	want, err := readWithoutTemplate(bytes.NewReader(body))
	if err != nil || len(want) < 3000 {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, maxSize := range []int{1 << 20, 20_000, 1500, 100} {
		size := func() int { return 1 + random.IntN(maxSize) }
		rows, err := readAll(shortReader{bytes.NewReader(body), size})
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("reads of up to %d bytes: got %d rows, %v; want %d",
				maxSize, len(rows), err, len(want))
		}
	}
}

// shortReader limits the size of each read.
type shortReader struct {
	io.Reader
	size func() int
}

func (r shortReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.size())]) }
