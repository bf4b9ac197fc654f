package ledger

import "github.com/go-kit/log/level"

// outage records whether one kind of write is failing.
type outage struct {
	failing      bool
	lossy        int64 // 1 if a restart during the outage would lose counts
	what, advice string
}

// finish ends an outage of writes because the ledger will not append again. It reports whether the
// file contains records after the snapshot.
func (f *file) finish() (hasTail bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writes.failing {
		f.storage.behind.Add(-f.writes.lossy)
		f.writes.failing = false
	}
	return f.size > f.snapshot
}

// report records the result of a write. It counts each error, but logs only the start and the end
// of an outage. The outage must be one of f's.
func (f *file) report(o *outage, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil && o.failing:
		f.storage.behind.Add(-o.lossy)
		level.Info(f.logger).Log("msg", "writing "+o.what+" works again")
	case err != nil && !o.failing:
		f.storage.behind.Add(o.lossy)
		level.Error(f.logger).Log("msg", "cannot write "+o.what, "err", err, "advice", o.advice)
	}
	if o.failing = err != nil; o.failing {
		f.storage.failures.Add(1)
	}
}
