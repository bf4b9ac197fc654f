package ledger

import (
	"errors"
	"sync"
	"time"
)

const (
	// hangTime is the duration from which a file operation hangs. Readings do not wait longer.
	hangTime = time.Second
	// shortWait is how long readings wait for a write if another operation hangs, or if the last
	// write of the file did. A disk that works writes a record much faster.
	shortWait = 100 * time.Millisecond
)

// errHangs reports that a file operation has not ended in time.
var errHangs = errors.New("the disk does not respond")

// disk limits the number of concurrent file operations. An operation that hangs cannot be
// canceled, and blocks a thread. It is safe for concurrent use.
type disk struct {
	slots chan struct{} // has an element for each operation that runs

	mu      sync.Mutex    // guards the fields below
	hanging int           // number of operations that hang
	stalled chan struct{} // closed if all slots are taken by operations that hang
}

// run waits for a slot and runs an operation. It calls onHang as soon as the operation hangs, and
// reports whether that happened. If operations that hang have taken all slots, it returns errHangs.
func (d *disk) run(operation func() error, onHang func()) (hung bool, _ error) {
	d.mu.Lock()
	stalled := d.stalled
	d.mu.Unlock()
	select {
	case d.slots <- struct{}{}:
	case <-stalled:
		return false, errHangs
	}
	defer func() { <-d.slots }()
	reported := make(chan struct{})
	timer := time.AfterFunc(hangTime, func() {
		d.addHanging(1)
		onHang()
		close(reported)
	})
	err := operation()
	if timer.Stop() {
		return false, err
	}
	<-reported
	d.addHanging(-1)
	return true, err
}

func (d *disk) addHanging(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hanging == cap(d.slots) {
		d.stalled = make(chan struct{})
	}
	if d.hanging += n; d.hanging == cap(d.slots) {
		close(d.stalled)
	}
}

// count returns the number of operations that hang.
func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hanging
}
