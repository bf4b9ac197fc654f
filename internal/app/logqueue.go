package app

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueuedLines bounds the memory of a logQueue. A line has a few hundred bytes.
	maxQueuedLines = 512
	// flushTimeout is how long the end of the program waits for the lines in the queue.
	flushTimeout = time.Second
)

// logQueue is an io.Writer that never blocks: it writes lines to another writer in the background,
// in their order. If a pipe is not read, the queue fills and further lines are dropped. It is safe
// for concurrent use.
type logQueue struct {
	dropped atomic.Uint64
	written chan struct{} // closed after the last write

	mu     sync.Mutex // guards the fields below
	lines  chan []byte
	closed bool
	last   []byte
}

func newLogQueue(w io.Writer) *logQueue {
	q := &logQueue{lines: make(chan []byte, maxQueuedLines), written: make(chan struct{})}
	go q.writeTo(w)
	return q
}

func (q *logQueue) writeTo(w io.Writer) {
	defer close(q.written)
	write := func(line []byte) {
		if _, err := w.Write(line); err != nil {
			q.dropped.Add(1)
		}
	}
	for line := range q.lines {
		write(line)
	}
	if len(q.last) > 0 {
		write(q.last)
	}
}

// Write implements io.Writer. Each call writes or drops one line. It always returns len(line), nil.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.lines) == cap(q.lines) {
		q.dropped.Add(1)
	} else {
		q.lines <- append([]byte(nil), line...) // does not block, because only Write sends
	}
	return len(line), nil
}

// Close writes the lines in the queue and then last, which is never dropped. It returns after
// flushTimeout at the latest, and must be called once.
func (q *logQueue) Close(last string) {
	q.mu.Lock()
	q.closed, q.last = true, []byte(last)
	close(q.lines)
	q.mu.Unlock()
	select {
	case <-q.written:
	case <-time.After(flushTimeout):
	}
}

// Dropped returns the number of lines that were dropped or could not be written.
func (q *logQueue) Dropped() uint64 { return q.dropped.Load() }
