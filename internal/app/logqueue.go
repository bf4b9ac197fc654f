package app

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueuedLines limits the memory of a logQueue. A line has a few hundred bytes.
	maxQueuedLines = 1024
	// maxLogWait is how long writers wait in total for a reader that is slower than a burst of
	// lines, until the queue is empty again. A pipe that is not read delays scrapes by this much
	// once.
	maxLogWait = 250 * time.Millisecond
	// flushTimeout is how long the end of the program waits for the lines in the queue.
	flushTimeout = time.Second
)

// logQueue is an io.Writer that hardly blocks: it writes lines to another writer in the background,
// in their order. If a pipe is not read, the queue fills and further lines are dropped. It is safe
// for concurrent use.
type logQueue struct {
	dropped atomic.Uint64
	written chan struct{} // closed after the last write

	mu     sync.Mutex // guards the fields below
	lines  chan []byte
	wait   time.Duration // what is left of maxLogWait
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
	if q.closed || !q.add(append([]byte(nil), line...)) {
		q.dropped.Add(1)
	}
	return len(line), nil
}

// add adds the line to the queue, or returns false. The caller must hold mu.
func (q *logQueue) add(line []byte) bool {
	if len(q.lines) == 0 {
		q.wait = maxLogWait
	}
	select {
	case q.lines <- line:
		return true
	default:
	}
	if q.wait <= 0 {
		return false
	}
	start := time.Now()
	defer func() { q.wait -= time.Since(start) }()
	select {
	case q.lines <- line:
		return true
	case <-time.After(q.wait):
		return false
	}
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
