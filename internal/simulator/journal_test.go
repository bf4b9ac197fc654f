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

	"pgregory.net/rapid"

	"greenapi_exporter/internal/simulator"
)

// bag is a journal without its order: how often each id, type and status is in it.
type bag map[[3]string]int

func bagOf(rows []row) bag {
	b := bag{}
	for _, r := range rows {
		b[[3]string{r.ID, r.Kind, r.Status}]++
	}
	return b
}

// truth is what a journal of the minutes must show.
func truth(s *simulator.Simulator, now time.Time, minutes int) bag {
	b := bag{}
	for _, m := range s.Messages(now) {
		if m.Timestamp.Unix() >= now.Unix()-60*int64(minutes) {
			b[[3]string{m.ID, m.Type, m.Status()}]++
		}
	}
	return b
}

func TestJournalShowsTheTruthAtAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := simulator.Config{
			Seed:            rapid.Uint64().Draw(t, "seed"),
			MessagesPerHour: rapid.SampledFrom([]float64{0.1, 5, 200}).Draw(t, "rate"),
			Messages:        rapid.SampledFrom([]int{0, 1, 20, 300}).Draw(t, "messages"),
			ByLastAction:    rapid.Bool().Draw(t, "by last action"),
			Speedup:         rapid.SampledFrom([]float64{0, 0.1, 1, 1000}).Draw(t, "pace"),
			NoRateLimit:     true,
		}
		s, c := newAccount(cfg, 0)
		for range 5 {
			hours := rapid.SampledFrom([]float64{-1, 0, 0.01, 0.5, 3, 20}).Draw(t, "hours")
			part := rapid.Int64Range(0, int64(time.Minute)).Draw(t, "part of a minute")
			c.Set(start.Add(time.Duration(hours*float64(time.Hour)) + time.Duration(part)))
			minutes := rapid.SampledFrom([]int{1, 2, 30, 1440}).Draw(t, "minutes")
			w := get(s, journalPath(minutes))
			var rows []row
			if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil {
				t.Fatal(err)
			}
			if want := truth(s, c.Now(), minutes); !maps.Equal(bagOf(rows), want) {
				t.Fatalf("the journal shows %v, want %v", bagOf(rows), want)
			}
			newest := c.Now().Unix()
			for _, r := range rows {
				if r.ID == "" {
					continue
				}
				if r.Time > newest {
					t.Fatalf("%s is newer than the row before it", r.ID)
				}
				newest = r.Time
			}
		}
	})
}

func TestMinutesFilterBySendingOrLastAction(t *testing.T) {
	for _, byLastAction := range []bool{false, true} {
		cfg := busy()
		cfg.ByLastAction = byLastAction
		s, c := newAccount(cfg, 50*time.Hour)
		moved := 0
		for _, r := range journal(t, s, 600) {
			if r.ID == "" {
				continue
			}
			m := find(t, s, c.Now(), r)
			want := m.Sent
			if byLastAction {
				want = m.Steps[len(m.Steps)-1].At
			}
			if r.Time != want.Unix() || r.Time < c.Now().Unix()-600*60 {
				t.Errorf("by last action %v: a row of %d, want %d", byLastAction, r.Time, want.Unix())
			}
			if m.Sent.Before(c.Now().Add(-601 * time.Minute)) {
				moved++
			}
		}
		if (moved > 0) != byLastAction {
			t.Errorf("by last action %v: %d rows sent before the window", byLastAction, moved)
		}
	}
}

func find(t *testing.T, s *simulator.Simulator, now time.Time, r row) simulator.Message {
	t.Helper()
	messages := s.Messages(now)
	n := slices.IndexFunc(messages, func(m simulator.Message) bool { return m.ID == r.ID && m.Type == r.Kind })
	if n < 0 {
		t.Fatalf("%s of type %s is not true", r.ID, r.Kind)
	}
	return messages[n]
}

func TestRowsAppearLate(t *testing.T) {
	s, c := newAccount(busy(), 0)
	late := time.Duration(0)
	for _, m := range s.Messages(start.Add(20 * time.Hour)) {
		if m.Incomplete {
			continue
		}
		late = max(late, m.Visible.Sub(m.Sent))
		has := func(at time.Time) bool {
			c.Set(at)
			return slices.ContainsFunc(journal(t, s, 60), func(r row) bool { return r.ID == m.ID && r.Kind == m.Type })
		}
		if has(m.Visible.Add(-1)) || !has(m.Visible) {
			t.Fatalf("%s does not appear when it is visible", m.ID)
		}
	}
	if late < 30*time.Second {
		t.Errorf("no row was later than %v", late)
	}
}

// TestRowsLookLikeTheRealOnes looks for all that a reader of rows may stumble over.
func TestRowsLookLikeTheRealOnes(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 9, MessagesPerHour: 200}, 24*time.Hour)
	body := get(s, journalPath(1440)).Body.Bytes()
	for name, pattern := range map[string]string{
		"incomplete row":         `\{"type":"outgoing","typeMessage":""\}`,
		"nested keys":            `"quotedMessage":\{[^}]*"idMessage":"[^}]*"typeMessage":"[^}]*"statusMessage":"`,
		"old order":              `\{"idMessage":"[0-9A-F]+","timestamp":\d+,"statusMessage":"\w+","typeMessage":"`,
		"new order":              `,"statusMessage":"read","sendByApi":true,"deletedMessageId":"","editedMessageId":"","isEdited":false`,
		"deletion":               `"deletedMessageId":"[0-9A-F]{16,32}","isDeleted":true`,
		"empty status":           `"statusMessage":""`,
		"null status":            `"statusMessage":null`,
		"id in digits":           `"idMessage":"\d{20}"`,
		"escapes":                `\\ud83d\\udc4b`,
		"poll with nested array": `"pollMessageData":\{[^}]*"options":\[\{`,
	} {
		if !regexp.MustCompile(pattern).Match(body) {
			t.Errorf("%s: nothing like it in %d rows", name, len(decode(t, body)))
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
	pictures := 0
	for _, r := range rows {
		if text, ok := r["jpegThumbnail"].(string); ok {
			pictures++
			picture, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(picture) < 4000 || len(picture) > 6000 || picture[0] != 0xff || picture[1] != 0xd8 {
				t.Errorf("a thumbnail of %d bytes, %v", len(picture), err)
			}
		}
	}
	if pictures == 0 {
		t.Error("no row has a thumbnail")
	}
	types := map[string]bool{}
	for _, r := range decode(t, body) {
		types[r.Kind] = true
		if r.ID != "" && !strings.HasPrefix(r.Chat, "1100") {
			t.Errorf("a chat that may be someone's: %s", r.Chat)
		}
	}
	if len(types) != 14 {
		t.Errorf("types %v", slices.Sorted(maps.Keys(types)))
	}
}

// sink takes an answer without keeping it, and counts the rows.
type sink struct {
	header http.Header
	rows   int
	most   int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(b []byte) (int, error) {
	s.rows += bytes.Count(b, []byte(`"timestamp":1`)) // a piece may end within one
	s.most = max(s.most, len(b))
	return len(b), nil
}

func TestHalfAMillionRowsAreStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s, _ := newAccount(simulator.Config{Seed: 10, MessagesPerHour: 1e6, Messages: 500_000}, 2*time.Hour)
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, journalPath(1440), nil))
	if w.rows < 490_000 {
		t.Errorf("%d rows", w.rows)
	}
	if w.most > 64<<10 {
		t.Errorf("a piece of %d bytes", w.most)
	}
	if got := len(s.Messages(start.Add(2 * time.Hour))); got != 500_000 {
		t.Errorf("%d messages", got)
	}
}

// BenchmarkJournal asks an account for a thousand rows, and says how many are written in a second.
func BenchmarkJournal(b *testing.B) {
	for name, textOnly := range map[string]bool{"texts": true, "mixed": false} {
		b.Run(name, func(b *testing.B) {
			const rows = 1000
			s, _ := newAccount(simulator.Config{
				Seed: 10, MessagesPerHour: 1e5, Messages: rows, NoRateLimit: true, TextOnly: textOnly,
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

// discard counts the bytes of an answer and forgets them.
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

// BenchmarkNew makes accounts and has each tell a thousand messages, as a server of many accounts does.
func BenchmarkNew(b *testing.B) {
	for name, messages := range map[string]float64{"idle": 0, "a thousand messages": 1000} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, _ := newAccount(simulator.Config{Seed: 10, MessagesPerHour: messages, Messages: 1000}, 2*time.Hour)
				s.Queued(start.Add(2 * time.Hour))
			}
		})
	}
}
