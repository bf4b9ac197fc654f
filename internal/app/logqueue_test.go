package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogQueueKeepsTheOrderOfLines(t *testing.T) {
	var want, got bytes.Buffer
	q := newLogQueue(&got)
	for n := range maxQueuedLines { // as many as are never dropped
		line := fmt.Appendf(nil, "line %d\n", n)
		want.Write(line)
		_, _ = q.Write(line)
		clear(line) // the logger reuses its buffer
	}
	q.Close("the last line\n")
	want.WriteString("the last line\n")
	if got.String() != want.String() || q.Dropped() != 0 {
		t.Errorf("%d lines dropped, got:\n%.1000s", q.Dropped(), &got)
	}
}

// TestUnreadLogDoesNotBlock writes to a pipe that is read only after the queue has overflowed.
func TestUnreadLogDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		q := newLogQueue(write)
		_, _ = io.WriteString(q, "line\n")
		synctest.Wait() // the first line has left the queue
		const lost = 10
		start := time.Now()
		for range maxQueuedLines + lost {
			_, _ = io.WriteString(q, "line\n")
		}
		if n := q.Dropped(); n != lost {
			t.Errorf("%d lines dropped, want %d", n, lost)
		}
		if took := time.Since(start); took != maxLogWait {
			t.Errorf("the writes waited for %s, want %s", took, maxLogWait)
		}
		start = time.Now()
		q.Close("error\n")
		if took := time.Since(start); took != flushTimeout {
			t.Errorf("Close waited for %s, want %s", took, flushTimeout)
		}
		go func() { <-q.written; write.Close() }()
		text, _ := io.ReadAll(read)
		lines := strings.SplitAfter(string(text), "\n")
		if len(lines) != maxQueuedLines+3 || lines[len(lines)-2] != "error\n" {
			t.Errorf("%d lines, ending with %q", len(lines), lines[len(lines)-2:])
		}
		_, _ = io.WriteString(q, "after the end\n")
		if n := q.Dropped(); n != lost+1 {
			t.Errorf("%d lines dropped, want %d", n, lost+1)
		}
	})
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full disk") }

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	q := newLogQueue(failingWriter{})
	for range 3 {
		_, _ = io.WriteString(q, "line\n")
	}
	q.Close("")
	if n := q.Dropped(); n != 3 {
		t.Errorf("%d lines dropped, want 3", n)
	}
}

// slowWriter is slower than a program that logs a burst of lines.
type slowWriter struct{ lines int }

func (w *slowWriter) Write(line []byte) (int, error) {
	time.Sleep(maxLogWait / maxQueuedLines)
	w.lines++
	return len(line), nil
}

func TestBurstsOfLinesAreNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(slowWriter)
		q := newLogQueue(w)
		const bursts = 3
		for range bursts {
			for range 2 * maxQueuedLines {
				_, _ = io.WriteString(q, "line\n")
			}
			time.Sleep(time.Second)
		}
		q.Close("")
		if want := bursts * 2 * maxQueuedLines; w.lines != want || q.Dropped() != 0 {
			t.Errorf("%d lines and %d dropped, want %d lines", w.lines, q.Dropped(), want)
		}
	})
}
