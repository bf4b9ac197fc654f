package ledger

import "time"

// StatusDelay is a histogram of the delays of one status. The delay of a message is the time from
// its timestamp to the first response that showed it in that status or a later one. It is an upper
// bound, because the message reached the status at some time after the previous reading.
type StatusDelay struct {
	Word  string
	Count uint64
	Sum   float64 // seconds
	// Buckets[i] counts the delays up to DelayBounds()[i].
	Buckets [delayBounds]uint64
	Created time.Time // as in Counter
}

const (
	delayBounds   = 10
	delayStatuses = read - sent + 1 // sent, delivered and read
)

// DelayBounds returns the upper bounds of the buckets of a StatusDelay, in seconds.
func DelayBounds() [delayBounds]float64 {
	return [...]float64{30, 60, 120, 300, 600, 1800, 3600, 14400, 43200, 86400}
}

// delays are the histograms of sent, delivered and read, in this order. The JSON names are part of
// the file's format.
type delays struct {
	Created int64                                  `json:"created"` // UNIX nanoseconds
	Seconds [delayStatuses]uint64                  `json:"seconds"` // sums
	Counts  [delayStatuses][delayBounds + 1]uint64 `json:"counts"`  // by bucket, not cumulative
}

// observe adds a delay in seconds to the histograms of the statuses of a set.
func (d *delays) observe(reached statusSet, delay int64) {
	delay = max(0, delay)
	bucket := 0
	for _, bound := range DelayBounds() {
		if float64(delay) > bound {
			bucket++
		}
	}
	for i := range delayStatuses {
		if reached>>(sent+i)&1 == 1 {
			d.Seconds[i] += uint64(delay)
			d.Counts[i][bucket]++
		}
	}
}

func (d *delays) summary(words []string) []StatusDelay {
	statuses := make([]StatusDelay, delayStatuses)
	for i := range statuses {
		s := &statuses[i]
		s.Word, s.Sum = words[sent+i], float64(d.Seconds[i])
		s.Created = fromNanoseconds(d.Created)
		for bucket, n := range d.Counts[i] {
			s.Count += n
			if bucket < delayBounds {
				s.Buckets[bucket] = s.Count
			}
		}
	}
	return statuses
}

// showsDelays reports whether the reading shows how long messages take to reach a status. The first
// reading after a pause does not.
//
// If the Date of the response and the local clock differ by more than maxAhead, the newest row must
// confirm the Date. If the Date is ahead of the local clock, the row must be ahead too. If the Date
// is behind, the row must not be ahead of it.
func (b *Batch) showsDelays() bool {
	tolerance, date := maxAhead.Seconds(), float64(b.date)
	newestExceeds := func(limit float64) bool {
		return b.newest.Known && b.newest.Seconds > limit+tolerance
	}
	switch {
	case b.isAfterPause:
		return false
	case date > b.received+tolerance:
		return newestExceeds(b.received)
	case date < b.received-tolerance:
		return !newestExceeds(date)
	default:
		return true
	}
}
