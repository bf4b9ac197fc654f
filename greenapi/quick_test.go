package greenapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// readCarefully reads a journal without quick.
func readCarefully(body io.Reader) ([]seen, error) {
	rows := []seen{}
	p := newRowParser(body, nil)
	err := p.array(func() error {
		if err := p.object(); err != nil {
			return err
		}
		rows = append(rows, see(&p.row))
		return nil
	})
	return rows, err
}

// lessons are rows to learn from.
var lessons = []string{
	`"type":"outgoing","idMessage":"BAE5","timestamp":1706601634,"typeMessage":"textMessage","o":{"a":"b","n":0,"l":[1,"x",{},[]]},"statusMessage":"read","sendByApi":true}`,
	`"idMessage": "BAE5", "timestamp": "1706601634", "statusMessage": "sent", "typeMessage": "textMessage"}`,
	`"type":"outgoing","typeMessage":""}`,
	`"a":-1.5e3,"l":[[{"a":"b"}],"c"],"timestamp":7}`,
	`"idMessage":null,"typeMessage":"a"}`,
	`"timestamp":1,"timestamp":null}`,
	`"isEdited":false,"isDeleted":false}`,
	`,"idMessage":"1",,"typeMessage":"a","o":{,"x":"y",},"l":[,"1",,],}`,
	`"\u0069dMessage":"\u0031","type\u004dessage":"\"\/","timestamp":1.7e9}`,
}

// learned is a quick that has read these rows, and how many of them it would now know.
func learned(rows ...string) (q *quick, known int) {
	q = newQuick()
	for _, row := range rows {
		p := newRowParser(strings.NewReader("[{"+row+"]"), q)
		_ = p.array(p.next)
		if q.row([]byte(row+"\x00"), new(Row)) > 0 {
			known++
		}
	}
	return q, known
}

// FuzzQuick holds quick against the reader in rows.go: whatever it has learned, what it accepts means the same to that.
func FuzzQuick(f *testing.F) {
	for _, row := range lessons {
		f.Add(row, row)
	}
	f.Add(`"a":"xx","b":"yy"}`, `"a":"xx","b":"yy","a":"zz"}`)
	f.Add(`"a":10,"b":"yy"}`, `"a":125,"b":"\"y\u00e9\\"}`)
	f.Add(`"timestamp":1,"a":{"timestamp":22}}`, `"timestamp":0,"a":{"timestamp":22}}`)
	f.Add(`"timestamp":17}`, `"timestamp":17.5}`)
	f.Add(`"a":["idMessage","xx"]}`, `"a":"idMessage","xx"}`)
	f.Fuzz(func(t *testing.T, before, row string) {
		q, _ := learned(append(slices.Clone(lessons), before)...)
		var r Row
		n := q.row([]byte(row+"\x00"), &r)
		if n == 0 {
			q, _ = learned(before, row)
			n = q.row([]byte(row+"\x00"), &r)
		}
		if n == 0 {
			return
		}
		rows, err := readCarefully(strings.NewReader("[{" + row[:n] + "]"))
		if err != nil || len(rows) != 1 || rows[0] != see(&r) {
			t.Fatalf("quick sees %+v in %q, and the careful reader %+v, %v", see(&r), row[:n], rows, err)
		}
	})
}

// TestWhatIsLearnedIsKnown but for rows of which nothing is to be learned, or that have escapes in what counts.
func TestWhatIsLearnedIsKnown(t *testing.T) {
	for _, row := range lessons {
		_, known := learned(row)
		want := 1
		if strings.Contains(row, "null") || strings.Contains(row, "\\") {
			want = 0
		}
		if known != want {
			t.Errorf("%s: known is %d, want %d", row, known, want)
		}
	}
	deep := `"a":` + strings.Repeat("[", 62) + `"xx"` + strings.Repeat("]", 62) + "}"
	deeper := `"a":` + strings.Repeat("[", 63) + `"xx"` + strings.Repeat("]", 63) + "}"
	if _, known := learned(deep, deeper); known != 1 {
		t.Errorf("%d of a deep and a deeper row are known, want the first", known)
	}
}

// TestOrdinaryRowsAreReadQuickly counts how the rows are read of a simulated account, which sends all kinds of messages.
func TestOrdinaryRowsAreReadQuickly(t *testing.T) {
	compact := journal(t, 10_000, false)
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, compact, "", " "); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"compact": compact, "spaced": spaced.Bytes()} {
		all, known := 0, 0
		p := newRowParser(bytes.NewReader(body), newQuick())
		err := p.array(func() error {
			p.ahead(lookAhead)
			all++
			if p.quick.row(p.piece(), &p.row) > 0 {
				known++
			}
			return p.next()
		})
		// One in a hundred has no status and the like, of which nothing is learned.
		if err != nil || all < 9000 || known < all*97/100 {
			t.Errorf("%s: %d of %d rows were known; %v", name, known, all, err)
		}
	}
}

// TestALongJournalMeansTheSame read quickly, however it comes in, as carefully.
func TestALongJournalMeansTheSame(t *testing.T) {
	body := journal(t, 3000, false)
	// Rows that do not lie in the buffer as a whole, that nobody has seen the like of, or that are not ordinary.
	var odd bytes.Buffer
	odd.WriteString("[")
	for i := range 300 {
		fmt.Fprintf(&odd, `{"idMessage":"%d","typeMessage":"a","k%d":"%s","timestamp":%d},,`, i, i, strings.Repeat("x", i*i%70_000), i)
	}
	body = append(odd.Bytes(), body[1:]...)
	want, err := readCarefully(bytes.NewReader(body))
	if err != nil || len(want) < 3000 {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1 << 20, 20_000, 1500, 100} {
		rows, err := readAll(pieces{bytes.NewReader(body), func() int { return 1 + dice.IntN(most) }})
		if err != nil || !equal(rows, want) {
			t.Errorf("%d rows, %v, in pieces of up to %d bytes; want %d", len(rows), err, most, len(want))
		}
	}
}

// pieces gives as many bytes a read.
type pieces struct {
	io.Reader
	size func() int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size())]) }
