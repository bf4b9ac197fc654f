package simulator

import "time"

// Step is a status that a message has reached.
type Step struct {
	Status string // statusMessage; if it is empty, the member is absent, "" or null
	At     time.Time
}

// Message is the state of a message at one time.
type Message struct {
	// ID and Type are those of the row. Together they are unique. In rare cases, an imageMessage
	// has the ID of a text, as in an example of the documentation. Both are empty if the row is
	// incomplete.
	ID, Type string
	// Incomplete reports whether the row has only "type" and an empty "typeMessage".
	Incomplete bool
	// Sent is when the message was sent or received. Visible is when its row appears. Without
	// Speedup, this is up to two minutes later.
	Sent, Visible time.Time
	// Timestamp is the timestamp of the row, in whole seconds. It is Sent or, with
	// MovingTimestamps, the time of the last step.
	Timestamp time.Time
	// Listed determines whether the row is in the requested window. It is in whole seconds. It is
	// Sent or, with FilterByLastAction, the time of the last step.
	Listed time.Time
	// Steps are the statuses reached so far, in order, including those before Visible. Received and
	// incomplete messages have none.
	Steps []Step
}

// Status returns the last status, or "" without Steps.
func (m Message) Status() string {
	if len(m.Steps) == 0 {
		return ""
	}
	return m.Steps[len(m.Steps)-1].Status
}

// Messages returns all sent messages that are visible at time t, in the order of sending, with the
// steps reached by then. The time may be in the future. The journal at time t contains those
// messages whose Listed is within the requested minutes before t. The caller owns the slices.
func (s *Simulator) Messages(t time.Time) []Message { return s.messages(s.outgoing, t) }

// IncomingMessages is like Messages for received messages, which are never incomplete.
func (s *Simulator) IncomingMessages(t time.Time) []Message { return s.messages(s.incoming, t) }

func (s *Simulator) messages(tl *timeline, t time.Time) []Message {
	v := s.view(tl, t)
	messages := make([]Message, 0, len(v.sent))
	for i := range v.sent {
		if v.sent[i].visible <= v.at {
			messages = append(messages, v.message(i))
		}
	}
	return messages
}

func (v *journalView) message(i int) Message {
	history := &v.sent[i]
	start := v.cfg.Start
	wholeSeconds := func(at time.Duration) time.Time {
		return time.Unix(v.unix(at), 0).In(start.Location())
	}
	m := Message{
		Sent:       start.Add(history.sent),
		Visible:    start.Add(history.visible),
		Timestamp:  wholeSeconds(v.timestamp(history)),
		Listed:     wholeSeconds(v.listed(history)),
		Incomplete: history.variant&incomplete != 0,
	}
	if m.Incomplete {
		return m
	}
	m.ID, m.Type = string(v.appendID(nil, i)), kinds[history.kind].name
	if v.incoming {
		return m
	}
	for n, status := range outcomes[history.outcome].statuses[:history.steps(v.at)] {
		m.Steps = append(m.Steps, Step{Status: status, At: start.Add(history.reached[n])})
	}
	return m
}

// Change is the difference between the messages at two times, as counters of messages. An empty
// status counts as "unknown".
type Change struct {
	Messages map[string]int // by type
	Statuses map[Reached]int
}

// Reached is a status of messages of one type.
type Reached struct{ Status, Type string }

// Between compares the messages at two times. It ignores incomplete messages. Every status except
// "unknown" implies "pending".
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

// reached returns the set of statuses of m, as labels of counters.
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
