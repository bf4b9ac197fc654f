package simulator

import "time"

// Step is a status and when the message reached it.
type Step struct {
	Status string // the API's word; empty for a row that never has one: absent, "" or null in the JSON
	At     time.Time
}

// Message is what is true of one message at one time.
type Message struct {
	// ID and Type are those of the row, and together no other message's. Now and then an imageMessage has the ID of a
	// text, as in the vendor's own example. Both are empty if Incomplete.
	ID, Type string
	// Incomplete is a message whose row is only {"type":"outgoing","typeMessage":""}. It has no Steps.
	Incomplete bool
	// Sent is when it left the account, or was received there, Visible when its row appears in the journal, at a Pace
	// of 1 up to two minutes later.
	Sent, Visible time.Time
	// Timestamp is what decides whether it is within the minutes asked for, in whole seconds, and except for an
	// incomplete row what the row shows: Sent or, with ByLastAction, the time of the latest step.
	Timestamp time.Time
	// Steps are the statuses reached so far, in order; some may have been reached before the row was visible. A message
	// that is received has none.
	Steps []Step
}

// Status is the one the row shows: that of the latest step. It is empty without one.
func (m Message) Status() string {
	if len(m.Steps) == 0 {
		return ""
	}
	return m.Steps[len(m.Steps)-1].Status
}

// Messages is the truth at a moment: every message whose row could be seen by then, in the order of sending, with the
// steps reached by then, incomplete ones included. It does not depend on the clock, so the moment may lie ahead of it.
// A journal asked for at until shows those whose Timestamp is at least until, in whole seconds, less the minutes. The
// slices are the caller's.
func (s *Simulator) Messages(until time.Time) []Message { return s.messages(s.outgoing, until) }

// IncomingMessages is the same truth of the messages that the account receives, in the order of their arrival. None of
// them is incomplete or has Steps.
func (s *Simulator) IncomingMessages(until time.Time) []Message { return s.messages(s.incoming, until) }

func (s *Simulator) messages(of *timeline, until time.Time) []Message {
	p := s.pageWithoutRows(of, until)
	messages := make([]Message, 0, len(p.lives))
	for i := range p.lives {
		if p.lives[i].visible <= p.at {
			messages = append(messages, p.message(i))
		}
	}
	return messages
}

// message tells the i-th life as far as it is known by the time of the page.
func (p page) message(i int) Message {
	l := &p.lives[i]
	m := Message{
		Sent:       p.start.Add(l.sent),
		Visible:    p.start.Add(l.visible),
		Timestamp:  time.Unix(p.timestamp(l), 0).In(p.start.Location()),
		Incomplete: l.shape&incomplete != 0,
	}
	if m.Incomplete {
		return m
	}
	m.ID, m.Type = p.id(i), kinds[l.kind].word
	if p.incoming {
		return m
	}
	for n := range l.steps(p.at) {
		m.Steps = append(m.Steps, Step{Status: fates[l.fate].path[n], At: p.start.Add(l.reached[n])})
	}
	return m
}

// Change is what happened between two moments, in the words that counters have for it: "unknown" for an empty status.
type Change struct {
	Messages map[string]int // by type, those that the second moment has and the first had not
	Statuses map[Reached]int
}

// Reached is a status that messages of a type have reached.
type Reached struct{ Status, Type string }

// Between compares the truth of two moments. Incomplete messages are in no counter, and every status but "unknown" means
// that the message was accepted, which is "pending".
func Between(before, after []Message) Change {
	known := make(map[[2]string]map[string]bool, len(before))
	for _, m := range before {
		if !m.Incomplete {
			known[[2]string{m.ID, m.Type}] = m.reached()
		}
	}
	change := Change{map[string]int{}, map[Reached]int{}}
	for _, m := range after {
		if m.Incomplete {
			continue
		}
		had, seen := known[[2]string{m.ID, m.Type}]
		if !seen {
			change.Messages[m.Type]++
		}
		for status := range m.reached() {
			if !had[status] {
				change.Statuses[Reached{status, m.Type}]++
			}
		}
	}
	return change
}

// reached is the set of the statuses of m, in the counters' words.
func (m Message) reached() map[string]bool {
	statuses := make(map[string]bool)
	for _, step := range m.Steps {
		if step.Status == "" {
			statuses["unknown"] = true
			continue
		}
		statuses["pending"], statuses[step.Status] = true, true
	}
	return statuses
}
