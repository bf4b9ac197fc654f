package ledger

import (
	"errors"
	"sync"
	"time"
)

// write is a record to append to a file, or a snapshot to replace it.
type write struct {
	data     []byte
	replaces bool
	outage   *outage // of the file, to report the result
	repeated bool
}

// write performs w in the background and waits for the result. If the disk hangs, it returns
// errHangs. The disk then gets w when it responds, unless a later write takes the place of w. Each
// write must therefore contain all changes since the last one that succeeded.
func (f *file) write(w write) error {
	f.mu.Lock()
	f.next = &w
	if f.hangs {
		f.mu.Unlock()
		f.storage.failures.Add(1)
		return errHangs
	}
	settled := make(chan struct{})
	f.settled = settled
	if !f.working {
		f.working = true
		go f.work(f.storage.begin(f.path))
	}
	var timeout <-chan time.Time
	if f.slow || f.storage.Hanging() > 0 {
		timeout = time.After(shortWait)
	}
	f.mu.Unlock()
	select {
	case <-settled:
	case <-timeout:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = nil
	if f.working {
		return errHangs
	}
	return f.lastErr
}

// work performs writes until there is none left, and then calls end.
func (f *file) work(end func()) {
	for {
		f.mu.Lock()
		w := f.next
		f.next = nil
		if w == nil {
			f.working = false
			end()
			f.settle()
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		hung, err := f.storage.disk.run(
			func() error { return f.perform(w) }, func() { f.hang(w.outage) })
		if !errors.Is(err, errFileChanged) && (err != nil || !hung) {
			f.report(w.outage, err)
		}
		f.mu.Lock()
		f.hangs, f.slow, f.lastErr = false, hung, err
		if hung && err == nil && f.next == nil && !w.repeated {
			// Find out whether the disk is fast again. Repeating a record is harmless.
			w.repeated = true
			f.next = w
		}
		f.mu.Unlock()
	}
}

func (f *file) perform(w *write) error {
	if !w.replaces {
		return f.append(w.data)
	}
	f.snapshots.Wait() // otherwise an older snapshot could replace this one
	return f.replace(w.data)
}

// hang reports that the current write hangs.
func (f *file) hang(o *outage) {
	f.report(o, errHangs)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hangs = true
	f.settle()
}

// settle ends the wait for the current write. The caller must hold mu.
func (f *file) settle() {
	if f.settled != nil {
		close(f.settled)
		f.settled = nil
	}
}

// startSnapshot replaces the file with a snapshot in the background. Records can be appended
// meanwhile.
func (f *file) startSnapshot(snapshot []byte) {
	settled := make(chan struct{})
	settle := sync.OnceFunc(func() { close(settled) })
	f.lastSnapshot = settled
	end := f.storage.begin(f.path)
	f.snapshots.Go(func() {
		_, err := f.storage.snapshots.run(func() error { return f.replace(snapshot) },
			func() { f.report(&f.replaces, errHangs); settle() })
		if err != nil {
			f.endSnapshot() // because replace may not have run
		}
		f.report(&f.replaces, err)
		end()
		settle()
	})
}

// awaitSnapshot waits until the snapshot that was started last is written or hangs.
func (f *file) awaitSnapshot() {
	if f.lastSnapshot != nil {
		<-f.lastSnapshot
	}
}
