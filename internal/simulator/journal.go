package simulator

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// journalView is a journal at one time.
type journalView struct {
	*timeline
	at         time.Duration // the time, since the start of the account
	sent       []message     // the messages sent by then
	rows       []int32       // indexes of the messages in the window, newest timestamp first
	thumbnails string

	// These are the fields of Config. For received messages, whose only action is their arrival,
	// both are false.
	movingTimestamps, filterByLastAction bool
}

// view returns a journal without rows.
func (s *Simulator) view(tl *timeline, now time.Time) *journalView {
	at := s.since(now)
	return &journalView{
		timeline: tl, sent: tl.sentBy(at), at: at, thumbnails: s.thumbnails,
		movingTimestamps:   s.cfg.MovingTimestamps && !tl.incoming,
		filterByLastAction: s.cfg.FilterByLastAction && !tl.incoming,
	}
}

// journal returns the journal with the window of the given minutes before now.
func (s *Simulator) journal(tl *timeline, now time.Time, minutes int) *journalView {
	v := s.view(tl, now)
	oldest := time.Unix(now.Unix()-60*int64(minutes), 0).Sub(s.cfg.Start)
	oldestSent := oldest
	if v.filterByLastAction {
		oldestSent = max(oldest, 0) - tl.scaled(maxLifetime)
	}
	first := sort.Search(len(v.sent), func(i int) bool { return v.sent[i].sent >= oldestSent })
	for i := len(v.sent) - 1; i >= first; i-- {
		m := &v.sent[i]
		if m.visible <= v.at && m.lastReached() >= oldest && v.listed(m) >= oldest {
			v.rows = append(v.rows, int32(i))
		}
	}
	if v.movingTimestamps {
		slices.SortStableFunc(v.rows, func(a, b int32) int {
			return cmp.Compare(v.sent[b].lastAction(v.at), v.sent[a].lastAction(v.at))
		})
	}
	return v
}

// timestamp returns the timestamp of a row, as a time since the start.
func (v *journalView) timestamp(m *message) time.Duration {
	if v.movingTimestamps {
		return m.lastAction(v.at)
	}
	return m.sent
}

// listed returns the time that determines whether a row is in the requested minutes.
func (v *journalView) listed(m *message) time.Duration {
	if v.filterByLastAction {
		return m.lastAction(v.at)
	}
	return m.sent
}

// unix converts a time since the start to Unix seconds.
func (v *journalView) unix(at time.Duration) int64 { return v.cfg.Start.Add(at).Unix() }

func (v *journalView) body() body {
	badRow := `{"type":"` + direction(v.incoming) + `","idMessage":"BAD0000000000000",` +
		`"timestamp":"yesterday","typeMessage":"textMessage","chatId":"11005550100@c.us",` +
		`"textMessage":""`
	if !v.incoming {
		badRow += `,"statusMessage":"sent"`
	}
	return arrayBody{
		n: len(v.rows),
		appendRow: func(b []byte, n int) []byte {
			i := int(v.rows[n])
			return v.row(&v.sent[i]).append(b, v, i)
		},
		emptyRow: v.emptyRow(), badRow: badRow + "}",
	}
}

// emptyRow returns the row of an incomplete message.
func (v *journalView) emptyRow() string {
	return `{"type":"` + direction(v.incoming) + `","typeMessage":""}`
}

func direction(incoming bool) string {
	if incoming {
		return "incoming"
	}
	return "outgoing"
}
