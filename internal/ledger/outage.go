package ledger

import (
	"errors"

	"github.com/go-kit/log/level"
)

// outage records whether one kind of write is failing.
type outage struct {
	failing      bool
	lossy        int64 // 1 if a restart during the outage would lose counts
	what, advice string
}

// hangAdvice replaces the advice of an outage if the disk hangs.
const hangAdvice = "check the disk or the network file system of --storage.path; " +
	"until it responds, counting continues in memory"

// finish ends an outage of writes because the ledger will not append again. It reports whether the
// file contains records after the snapshot.
func (f *file) finish() (hasTail bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writes.failing {
		f.storage.behind.Add(-f.writes.lossy)
		f.writes.failing = false
	}
	f.writes.lossy = 0 // a write that hangs can end later
	return f.size > f.snapshot
}

// report records the result of a write. It counts each error, but logs only the start and the end
// of an outage. The outage must be one of f's.
func (f *file) report(o *outage, err error) {
	f.mu.Lock()
	wasFailing, lossy := o.failing, o.lossy
	o.failing = err != nil
	f.mu.Unlock()
	if err != nil {
		f.storage.failures.Add(1)
	}
	switch {
	case err == nil && wasFailing:
		f.storage.behind.Add(-lossy)
		level.Info(f.logger).Log("msg", "writing "+o.what+" works again")
	case err == nil || wasFailing:
	case errors.Is(err, errHangs):
		f.storage.behind.Add(lossy)
		level.Error(f.logger).Log("msg", "the disk hangs, cannot write "+o.what, "err", err,
			"after", hangTime, "advice", hangAdvice)
	default:
		f.storage.behind.Add(lossy)
		level.Error(f.logger).Log("msg", "cannot write "+o.what, "err", err, "advice", o.advice)
	}
}
