package greenapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// readCarefully reads a journal without quick.
func readCarefully(body io.Reader) ([]seen, error) {
	rows := []seen{}
	p := rowParser{scanner: newScanner(body)}
	err := p.array(func() error {
		if err := p.object(); err != nil {
			return err
		}
		rows = append(rows, see(&p.row))
		return nil
	})
	return rows, err
}

// lesson are rows for quick to learn from.
var lesson = []string{
	`"type":"outgoing","idMessage":"BAE5","timestamp":1706601634,"typeMessage":"textMessage","o":{"a":"b","n":0,"l":[1,"x",{},[]]},"statusMessage":"read","sendByApi":true}`,
	`"idMessage": "BAE5", "timestamp": "1706601634", "statusMessage": "sent", "typeMessage": "textMessage"}`,
	`"type":"outgoing","typeMessage":""}`,
	`"a":-1.5e3,"l":[[{"a":"b"}],"c"],"timestamp":7}`,
	`"idMessage":null,"typeMessage":"a"}`,
	`"isEdited":false,"isDeleted":false}`,
}

// FuzzQuick holds quick against the reader in rows.go: what it accepts, and however much it has learned before, means the
// same to that; and what it has learned changes nothing of what it accepts.
func FuzzQuick(f *testing.F) {
	for _, row := range lesson {
		f.Add([]byte(row), []byte(row))
	}
	f.Add([]byte(`"a":"x","b":"y"}`), []byte(`"a":"x","b":"y","a":"z"}`))
	f.Add([]byte(`"a":1,"b":"y"}`), []byte(`"a":12,"b":"\"y\u00e9\\"}`))
	f.Add([]byte(`"timestamp":1,"a":{"timestamp":2}}`), []byte(`"timestamp":0,"a":{"timestamp":2}}`))
	f.Fuzz(func(t *testing.T, before, row []byte) {
		piece := append(bytes.Clone(row), 0)
		var fresh, learned Row
		want := newQuick().row(piece, &fresh)

		q := newQuick()
		for _, r := range lesson {
			q.row(append([]byte(r), 0), &learned)
		}
		q.row(append(bytes.Clone(before), 0), &learned)
		for range 2 {
			if n := q.row(piece, &learned); n != want || n > 0 && see(&learned) != see(&fresh) {
				t.Fatalf("it has learned to read %d bytes as %+v, and not %d as %+v", n, see(&learned), want, see(&fresh))
			}
		}
		if want == 0 {
			return
		}
		rows, err := readCarefully(strings.NewReader("[{" + string(row[:want]) + "]"))
		if err != nil || len(rows) != 1 || rows[0] != see(&fresh) {
			t.Fatalf("quick sees %+v, and the careful reader %+v, %v", see(&fresh), rows, err)
		}
	})
}

// TestOrdinaryRowsAreReadQuickly counts how the rows are read of a simulated account, which sends all kinds of messages.
func TestOrdinaryRowsAreReadQuickly(t *testing.T) {
	compact := journal(t, 10_000, false)
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, compact, "", " "); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"compact": compact, "spaced": spaced.Bytes()} {
		known, unknown, careful := 0, 0, 0
		p := rowParser{scanner: newScanner(bytes.NewReader(body)), quick: newQuick()}
		err := p.array(func() error {
			p.ahead(lookAhead)
			n := p.quick.known(p.piece(), &p.row)
			if n > 0 {
				known++
			} else if n = p.quick.row(p.piece(), &p.row); n > 0 {
				unknown++
			} else {
				careful++
				return p.object()
			}
			p.pos += n
			return nil
		})
		// One in a hundred has no status and the like, of which nothing is learned.
		if all := known + unknown + careful; err != nil || all < 9000 || known < all*98/100 || careful > all/1000 {
			t.Errorf("%s: %d rows were known, %d not, and %d read carefully; %v", name, known, unknown, careful, err)
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
