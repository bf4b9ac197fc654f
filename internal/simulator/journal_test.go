package simulator_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestRowsAppearWhenVisible(t *testing.T) {
	s, c := newAccount(busy(), 0)
	longest := time.Duration(0)
	for _, m := range s.Messages(start.Add(20 * time.Hour)) {
		if m.Incomplete {
			continue
		}
		longest = max(longest, m.Visible.Sub(m.Sent))
		contains := func(at time.Time) bool {
			c.Set(at)
			return slices.ContainsFunc(journal(t, s, 60), func(r row) bool {
				return r.ID == m.ID && r.Kind == m.Type
			})
		}
		if contains(m.Visible.Add(-1)) || !contains(m.Visible) {
			t.Fatalf("the row of %s does not appear at Visible", m.ID)
		}
	}
	if longest < 30*time.Second {
		t.Errorf("the longest delay of a row is %v", longest)
	}
}

// TestRowsContainAllDocumentedVariants checks the variants that a reader may handle incorrectly.
func TestRowsContainAllDocumentedVariants(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 9, MessagesPerHour: 200}, 24*time.Hour)
	body := get(s, journalPath(1440)).Body.Bytes()
	const nested = `"quotedMessage":\{[^}]*`
	for name, pattern := range map[string]string{
		"incomplete row":         `\{"type":"outgoing","typeMessage":""\}`,
		"nested keys":            nested + `"idMessage":[^}]*"typeMessage":[^}]*"statusMessage":`,
		"old order":              `\{"idMessage":"\w+","timestamp":\d+,"statusMessage":"\w+","type`,
		"new order":              `,"statusMessage":"read","sendByApi":true,"deletedMessageId":"",`,
		"unset flags":            `"deletedMessageId":"","editedMessageId":"","isEdited":false`,
		"deletion":               `"deletedMessageId":"[0-9A-F]{16,32}","isDeleted":true`,
		"empty status":           `"statusMessage":""`,
		"null status":            `"statusMessage":null`,
		"id in digits":           `"idMessage":"\d{20}"`,
		"escapes":                `\\ud83d\\udc4b`,
		"poll with nested array": `"pollMessageData":\{[^}]*"options":\[\{`,
	} {
		if !regexp.MustCompile(pattern).Match(body) {
			t.Errorf("no %s in %d rows", name, len(decode(t, body)))
		}
	}
	var rows []map[string]any
	if err := json.Unmarshal(body, &rows); err != nil {
		t.Fatal(err)
	}
	absent := slices.ContainsFunc(rows, func(r map[string]any) bool {
		_, status := r["statusMessage"]
		return r["idMessage"] != nil && !status
	})
	if !absent {
		t.Error("every row has a status")
	}
	thumbnails := 0
	for _, r := range rows {
		if text, ok := r["jpegThumbnail"].(string); ok {
			thumbnails++
			picture, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(picture) < 4000 || len(picture) > 6000 ||
				!bytes.HasPrefix(picture, []byte("\xff\xd8")) {
				t.Errorf("thumbnail of %d bytes, error %v", len(picture), err)
			}
		}
	}
	if thumbnails == 0 {
		t.Error("no row has a thumbnail")
	}
	types := map[string]bool{}
	for _, r := range decode(t, body) {
		types[r.Kind] = true
		if r.ID != "" && !strings.HasPrefix(r.Chat, "1100") {
			t.Errorf("chat ID %s may exist", r.Chat)
		}
	}
	if len(types) != 14 {
		t.Errorf("types %v", slices.Sorted(maps.Keys(types)))
	}
}

// sink is an http.ResponseWriter that counts the rows and discards them.
type sink struct {
	header  http.Header
	rows    int
	largest int // maximum length of a write
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(b []byte) (int, error) {
	s.rows += bytes.Count(b, []byte(`"timestamp":1`)) // not if it is split between two writes
	s.largest = max(s.largest, len(b))
	return len(b), nil
}

func TestLargeJournalsAreStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cfg := simulator.Config{Seed: 10, MessagesPerHour: 1e6, Messages: 500_000}
	s, _ := newAccount(cfg, 2*time.Hour)
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, journalPath(1440), nil))
	if w.rows < 490_000 {
		t.Errorf("%d rows", w.rows)
	}
	if w.largest > 64<<10 {
		t.Errorf("a write of %d bytes", w.largest)
	}
	if got := len(s.Messages(start.Add(2 * time.Hour))); got != 500_000 {
		t.Errorf("%d messages", got)
	}
}

// BenchmarkJournal generates a journal of a thousand rows and reports the rows per second.
func BenchmarkJournal(b *testing.B) {
	for name, textOnly := range map[string]bool{"texts": true, "mixed": false} {
		b.Run(name, func(b *testing.B) {
			const rows = 1000
			s, _ := newAccount(simulator.Config{
				Seed: 10, MessagesPerHour: 1e5, Messages: rows, NoRateLimit: true,
				TextOnly: textOnly,
			}, 2*time.Hour)
			r := httptest.NewRequest(http.MethodGet, journalPath(1440), nil)
			w := &discard{header: http.Header{}}
			s.ServeHTTP(w, r)
			b.SetBytes(w.bytes)
			b.ReportAllocs()
			for b.Loop() {
				s.ServeHTTP(w, r)
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkShortCall requests the newest minutes of an account with many older messages.
func BenchmarkShortCall(b *testing.B) {
	for name, byLastAction := range map[string]bool{"by sending": false, "by last action": true} {
		b.Run(name, func(b *testing.B) {
			const messages = 100_000
			s, _ := newAccount(simulator.Config{
				Seed: 10, MessagesPerHour: messages / 24, NoRateLimit: true,
				MovingTimestamps: byLastAction, FilterByLastAction: byLastAction,
			}, 24*time.Hour)
			r := httptest.NewRequest(http.MethodGet, journalPath(6), nil)
			w := &discard{header: http.Header{}}
			s.ServeHTTP(w, r)
			b.SetBytes(w.bytes)
			b.ReportAllocs()
			for b.Loop() {
				s.ServeHTTP(w, r)
			}
		})
	}
}

// discard is an http.ResponseWriter that counts the bytes and discards them.
type discard struct {
	header http.Header
	bytes  int64
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(b []byte) (int, error) {
	d.bytes += int64(len(b))
	return len(b), nil
}

// BenchmarkNew creates accounts and generates their messages.
func BenchmarkNew(b *testing.B) {
	for name, messages := range map[string]float64{"idle": 0, "a thousand messages": 1000} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cfg := simulator.Config{Seed: 10, MessagesPerHour: messages, Messages: 1000}
				s, _ := newAccount(cfg, 2*time.Hour)
				s.Queued(start.Add(2 * time.Hour))
			}
		})
	}
}
