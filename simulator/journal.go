package simulator

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"sort"
	"time"
)

// page is a journal as it is at one moment: which rows it shows, in which order. It holds no JSON; that is made as it
// is written.
type page struct {
	incoming     bool
	lives        []life  // all sent by then, or received
	rows         []int32 // of the lives: those shown, newest first
	at           time.Duration
	start        time.Time
	seed         uint64
	thumbnails   string
	byLastAction bool
}

// pageWithoutRows is the journal of no minutes: it knows the lives. What is received has no action but its arrival.
func (s *Simulator) pageWithoutRows(of *story, now time.Time) page {
	p := page{incoming: of.incoming, start: s.start, seed: of.seed, thumbnails: s.thumbnails}
	p.byLastAction = s.cfg.ByLastAction && !of.incoming
	p.lives, p.at = s.livesUntil(of, now)
	return p
}

// page is the journal of the given minutes before now.
func (s *Simulator) page(of *story, now time.Time, minutes int64) page {
	p := s.pageWithoutRows(of, now)
	oldest := now.Unix() - 60*minutes
	reach := int64(0)
	if p.byLastAction {
		reach = 1 + int64(longest.Seconds()/s.cfg.Pace)
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
func (p page) timestamp(l *life) int64 {
	if p.byLastAction {
		return p.start.Add(l.lastAction(p.at)).Unix()
	}
	return p.start.Add(l.sent).Unix()
}

// write writes the journal row by row, and stops at the first error of w.
func (p page) write(w io.Writer, q quirks) error {
	out := bufio.NewWriterSize(w, 32<<10)
	extra := q.extra
	if q.badTime {
		extra = p.badRow()
	}
	_, _ = out.WriteString(q.before + "[") // an error stays with out until Flush
	if len(p.rows) > 0 {
		_, _ = out.WriteString(q.first)
	}
	var row []byte
	for n, i := range p.rows {
		if n > 0 {
			_ = out.WriteByte(',')
			if n == len(p.rows)/2 {
				_, _ = out.WriteString(q.middle)
			}
		}
		row = p.appendRow(row[:0], int(i))
		row = append(append(row[:len(row)-1], q.lastMember...), '}')
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	if len(p.rows) > 0 {
		_, _ = out.WriteString(q.last)
		if extra != "" {
			_ = out.WriteByte(',')
		}
	}
	_, _ = out.WriteString(extra + "]" + q.after)
	return out.Flush()
}

// writeHalf writes half the rows and the first half of one more, and leaves it at that.
func (p page) writeHalf(w io.Writer) error {
	out := bufio.NewWriter(w)
	half := len(p.rows) / 2
	_ = out.WriteByte('[')
	var row []byte
	for _, i := range p.rows[:half] {
		row = append(p.appendRow(row[:0], int(i)), ',')
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	row = append(row[:0], p.bareRow()...)
	if half < len(p.rows) {
		row = p.appendRow(row[:0], int(p.rows[half]))
	}
	_, _ = out.Write(row[:len(row)/2])
	return out.Flush()
}

// writeEndless writes the rows over and over until an error of w.
func (p page) writeEndless(w io.Writer) error {
	out := bufio.NewWriterSize(w, 32<<10)
	bare := p.bareRow()
	_, _ = out.WriteString("[" + bare)
	var row []byte
	for {
		row = append(append(row[:0], ','), bare...)
		if _, err := out.Write(row); err != nil {
			return err
		}
		for _, i := range p.rows {
			row = p.appendRow(append(row[:0], ','), int(i))
			if _, err := out.Write(row); err != nil {
				return err
			}
		}
	}
}
