package simulator

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// page is a journal as it is at one moment: which rows it shows, in which order. It holds no JSON; that is made as it
// is written.
type page struct {
	incoming     bool
	lives        []message // all sent by then, or received
	rows         []int32   // of the lives: those shown, newest first
	at           time.Duration
	start        time.Time
	seed         uint64
	thumbnails   string
	byLastAction bool
}

// pageWithoutRows is the journal of no minutes: it knows the lives. What is received has no action but its arrival.
func (s *Simulator) pageWithoutRows(of *timeline, now time.Time) page {
	p := page{incoming: of.incoming, start: s.start, seed: of.seed, thumbnails: s.thumbnails}
	p.byLastAction = s.cfg.ByLastAction && !of.incoming
	p.lives, p.at = s.livesUntil(of, now)
	return p
}

// page is the journal of the given minutes before now.
func (s *Simulator) page(of *timeline, now time.Time, minutes int64) page {
	p := s.pageWithoutRows(of, now)
	oldest := now.Unix() - 60*minutes
	reach := int64(0)
	if p.byLastAction {
		reach = 1 + int64(longest.Seconds()/s.cfg.Speedup)
	}
	first := sort.Search(len(p.lives), func(i int) bool {
		return p.start.Add(p.lives[i].sent).Unix() >= oldest-reach
	})
	for i := len(p.lives) - 1; i >= first; i-- {
		if l := &p.lives[i]; l.visible <= p.at && p.timestamp(l) >= oldest {
			p.rows = append(p.rows, int32(i))
		}
	}
	if p.byLastAction {
		slices.SortStableFunc(p.rows, func(a, b int32) int {
			return cmp.Compare(p.lives[b].lastAction(p.at), p.lives[a].lastAction(p.at))
		})
	}
	return p
}

// timestamp is the time that a row stands for, in UNIX seconds.
func (p page) timestamp(l *message) int64 {
	if p.byLastAction {
		return p.start.Add(l.lastAction(p.at)).Unix()
	}
	return p.start.Add(l.sent).Unix()
}

// body is the journal as what can be sent.
func (p page) body() body {
	return array{
		n:    len(p.rows),
		row:  func(b []byte, n int) []byte { return p.appendRow(b, int(p.rows[n])) },
		bare: p.bareRow(),
		bad:  p.badRow(),
	}
}
