package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"sync"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// dayJournal is the journal of a simulated account at any time of a day. A simulator takes longer
// to generate the rows of a response than an exporter takes to read them. A dayJournal stores each
// row once and updates its status as time passes, so a call only copies memory.
type dayJournal struct {
	text    []byte // the rows, newest first: a comma, the row, and spaces for longer statuses
	rows    []dayRow
	changes []dayChange // not applied yet, in ascending order
}

type dayRow struct {
	start         int // in text
	status        int // where the value of statusMessage starts in text
	end           int // of the row in text, without the spaces
	sent, visible time.Time
	timestamp     int64 // UNIX seconds
}

// dayChange replaces the status of a row.
type dayChange struct {
	at       time.Time
	row      int
	from, to string
}

// dayLead is the time before the day for which the journal also has messages. No call of an
// exporter requests a longer time.
const dayLead = 30 * time.Hour

// newDayJournal returns the journal of an account with the given number of messages a day, for
// times from start to start plus length. It also returns the account's Config without a clock.
func newDayJournal(
	messages int, textOnly bool, start time.Time, length time.Duration,
) (*dayJournal, simulator.Config, error) {
	perHour := float64(messages) / 24
	cfg := simulator.Config{
		IDInstance: testID, Token: secret, Seed: 1, Start: start.Add(-dayLead), TextOnly: textOnly,
		MessagesPerHour: perHour, Messages: int(perHour * (dayLead + length).Hours() * 1.1),
	}
	final := start.Add(length + 48*time.Hour) // when all messages have their last status
	finished := cfg
	finished.Now = func() time.Time { return final }
	account := simulator.New(finished)
	api := httptest.NewServer(account)
	defer api.Close()
	response, err := http.Get(fmt.Sprintf("%s%s?minutes=%d", api.URL, journalPath, 1<<20))
	if err != nil {
		return nil, cfg, err
	}
	defer response.Body.Close()
	body := json.NewDecoder(response.Body)
	if _, err := body.Token(); err != nil {
		return nil, cfg, err
	}
	// Growing the text of 350 MB would take most of the time.
	j := &dayJournal{text: make([]byte, 0, 1600*cfg.Messages)}
	var row json.RawMessage
	for _, m := range slices.Backward(account.Messages(final)) {
		if err := body.Decode(&row); err != nil {
			return nil, cfg, err
		}
		j.add(m, row)
	}
	slices.SortStableFunc(j.changes, func(a, b dayChange) int { return a.at.Compare(b.at) })
	return j, cfg, nil
}

// add adds a message. The given row has the message's last status, and the added row has its first.
func (j *dayJournal) add(m simulator.Message, row []byte) {
	r := dayRow{
		start: len(j.text), sent: m.Sent, visible: m.Visible, timestamp: m.Timestamp.Unix(),
	}
	j.text = append(append(j.text, ','), row...)
	r.end = len(j.text)
	j.rows = append(j.rows, r)
	if len(m.Steps) < 2 {
		return
	}
	// In old rows, the status precedes the nested objects. A quoted message has a status too.
	find := bytes.LastIndex
	if bytes.HasPrefix(row, []byte(`{"idMessage"`)) {
		find = bytes.Index
	}
	const key = `"statusMessage":"`
	n := len(j.rows) - 1
	j.rows[n].status = r.start + 1 + find(row, []byte(key)) + len(key)
	longest := 0
	for i, step := range m.Steps {
		longest = max(longest, len(step.Status))
		if i > 0 {
			j.changes = append(j.changes, dayChange{step.At, n, m.Steps[i-1].Status, step.Status})
		}
	}
	last := m.Status()
	j.text = append(j.text, bytes.Repeat([]byte(" "), longest-len(last))...)
	j.replace(n, last, m.Steps[0].Status)
}

// replace replaces the status of row n.
func (j *dayJournal) replace(n int, from, to string) {
	r := &j.rows[n]
	before := r.end
	r.end += len(to) - len(from)
	copy(j.text[r.status+len(to):r.end], j.text[r.status+len(from):before])
	copy(j.text[r.status:], to)
	for i := r.end; i < before; i++ {
		j.text[i] = ' '
	}
}

// body returns the journal of the given minutes before now in two parts, without the last "]". It
// also returns the number of rows. The time must not go back. The tail is valid until the next
// call.
func (j *dayJournal) body(now time.Time, minutes int) (head, tail []byte, rows int) {
	for len(j.changes) > 0 && !j.changes[0].at.After(now) {
		c := j.changes[0]
		j.changes = j.changes[1:]
		j.replace(c.row, c.from, c.to)
	}
	oldest := now.Unix() - 60*int64(minutes)
	end := sort.Search(len(j.rows), func(i int) bool { return j.rows[i].timestamp < oldest })
	first := sort.Search(end, func(i int) bool { return !j.rows[i].sent.After(now) })
	// Rows appear up to 2 minutes late, so only older ones are certainly visible.
	old := sort.Search(end, func(i int) bool {
		return j.rows[i].sent.Before(now.Add(-2 * time.Minute))
	})
	for _, r := range j.rows[first:old] {
		if !r.visible.After(now) {
			head = append(head, j.text[r.start:r.end]...)
			rows++
		}
	}
	if old < end {
		tail = j.text[j.rows[old].start:j.rows[end-1].end]
	}
	switch {
	case rows > 0:
		head[0] = '[' // instead of the comma
	case len(tail) > 0:
		head, tail = []byte("["), tail[1:]
	default:
		head = []byte("[")
	}
	return head, tail, rows + end - old
}

// write writes the response to a call, and returns the number of its rows and bytes.
func (j *dayJournal) write(w http.ResponseWriter, now time.Time, minutes int) (rows, size int) {
	head, tail, rows := j.body(now, minutes)
	size = len(head) + len(tail) + 1
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(size))
	_, _ = w.Write(head)
	for chunk := range slices.Chunk(tail, 64<<10) {
		_, _ = w.Write(chunk)
	}
	_, _ = io.WriteString(w, "]")
	return rows, size
}

// dayCall is a call of the journal: the minutes that it requested, and the rows and bytes of the
// response.
type dayCall struct{ minutes, rows, bytes int }

// dayAPI serves the journal of the account that the argument describes. Only calls of /move move
// its clock, so calls between two moves have equal responses. /last returns the last dayCall.
func dayAPI(argument string) (_ http.Handler, note string) {
	var messages, minutes int
	var kind string
	if _, err := fmt.Sscan(argument, &messages, &kind, &minutes); err != nil {
		panic(err)
	}
	now, length := time.Now(), time.Duration(minutes)*time.Minute+time.Hour
	journal, _, err := newDayJournal(messages, kind == "text", now, length)
	if err != nil {
		panic(err)
	}
	debug.FreeOSMemory()
	var mu sync.Mutex // guards the variables below and the journal
	var last dayCall
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.URL.Path {
		default:
			http.NotFound(w, r)
		case "/last":
			fmt.Fprintln(w, last.minutes, last.rows, last.bytes)
		case "/move":
			nanoseconds, _ := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
			now = time.Unix(0, nanoseconds)
		case journalPath:
			last.minutes, _ = strconv.Atoi(r.URL.Query().Get("minutes"))
			w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			last.rows, last.bytes = journal.write(w, now, last.minutes)
		}
	}), ""
}

// TestDayJournalEqualsTheSimulator compares the journals at some times of a day.
func TestDayJournalEqualsTheSimulator(t *testing.T) {
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	j, cfg, err := newDayJournal(500, false, start, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var now time.Time
	cfg.Now, cfg.NoRateLimit = func() time.Time { return now }, true
	s := simulator.New(cfg)
	for i := range 480 {
		now = start.Add(time.Duration(i) * 3 * time.Minute)
		minutes := 1 + i%30
		if i%60 == 0 {
			minutes = 1700
		}
		got, want := httptest.NewRecorder(), httptest.NewRecorder()
		j.write(got, now, minutes)
		url := fmt.Sprintf("%s?minutes=%d", journalPath, minutes)
		s.ServeHTTP(want, httptest.NewRequest(http.MethodGet, url, nil))
		if compact(t, got.Body) != want.Body.String() {
			t.Fatalf("%d minutes at %v: got\n%s\nwant\n%s", minutes, now, got.Body, want.Body)
		}
	}
}

// compact returns JSON without the spaces between its values.
func compact(t *testing.T, text *bytes.Buffer) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text.Bytes()); err != nil {
		t.Error(err)
	}
	return out.String()
}
