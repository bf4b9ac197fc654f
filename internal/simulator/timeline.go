package simulator

import (
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"time"
)

// message is the complete history of one message. Times are since the start of the account.
type message struct {
	accepted time.Duration    // when the API accepted it, or when a contact sent it
	sent     time.Duration    // or received; never if the account stays unauthorized
	visible  time.Duration    // when the row appears
	reached  [4]time.Duration // when the statuses of the outcome are reached
	seed     uint64           // of the content
	related  int32            // index of the message that it refers to, or whose ID it shares
	kind     kind
	outcome  outcome // undefined for a received message
	variant  rowVariant
}

// rowVariant is a set of peculiarities of a row.
type rowVariant uint8

const (
	incomplete   rowVariant = 1 << iota // without ID, time, chat and status
	duplicateID                         // has the ID of the previous message and another type
	oldOrder                            // in an old format: status first, no type, no flags
	withoutFlags                        // without the flags of edits and deletions
	typedOnPhone                        // not sent by the API
)

// timeline is the list of all messages in one direction. It generates them on demand, and they
// never change afterwards. It is safe for concurrent use. Accounts with equal messages share it.
type timeline struct {
	cfg      Config
	incoming bool
	limit    int     // maximum number of messages
	meanGap  float64 // mean time between two messages, in nanoseconds

	mu       sync.Mutex // guards the fields below
	messages []message
	source   *rand.PCG
	random   *rand.Rand // uses source
}

// timelines are the messages of an account in both directions.
type timelines struct {
	outgoing, incoming *timeline
	thumbnails         string
}

// newTimelines requires the result of Config.withDefaults.
func newTimelines(cfg Config) timelines {
	t := timelines{outgoing: newTimeline(cfg)}
	if !cfg.TextOnly {
		t.thumbnails = newThumbnails(cfg.Seed)
	}
	cfg.Seed = hash(cfg.Seed ^ 'r') // for IDs that differ from those of sent messages
	cfg.MessagesPerHour, cfg.Messages, cfg.SendDelay = cfg.IncomingPerHour, 0, 0
	t.incoming = newTimeline(cfg)
	t.incoming.incoming = true
	return t
}

func newTimeline(cfg Config) *timeline {
	t := &timeline{cfg: cfg, limit: math.MaxInt32, source: rand.NewPCG(0, 0)}
	t.random = rand.New(t.source)
	if cfg.Messages > 0 {
		t.limit = cfg.Messages
	}
	if cfg.MessagesPerHour > 0 {
		t.meanGap = float64(time.Hour) / cfg.MessagesPerHour
	} else {
		t.limit = 0
	}
	return t
}

// sentBy returns the messages sent by the given time, oldest first.
func (t *timeline) sentBy(at time.Duration) []message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.extend(at)
}

// queued returns the number of messages that are accepted and not sent at the given time.
func (t *timeline) queued(at time.Duration) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent := len(t.extend(at))
	accepted := sort.Search(len(t.messages), func(i int) bool {
		return t.messages[i].accepted > at
	})
	return accepted - sent
}

// extend generates all messages accepted by the given time, and the next one. It returns the
// messages sent by then. Later messages are never accepted or sent before earlier ones. The caller
// must hold mu.
func (t *timeline) extend(at time.Duration) []message {
	for n := len(t.messages); n < t.limit && (n == 0 || t.messages[n-1].accepted <= at); n++ {
		t.messages = append(t.messages, t.next())
	}
	n := sort.Search(len(t.messages), func(i int) bool { return t.messages[i].sent > at })
	return t.messages[:n:n]
}

// next generates a message. Each message has its own random sequence, so the number of random
// values that it uses does not affect later messages.
func (t *timeline) next() message {
	i := len(t.messages)
	t.source.Seed(hash(t.cfg.Seed), hash(uint64(i)))
	var m message
	if gap := t.random.ExpFloat64() * t.meanGap; i > 0 {
		previous := t.messages[i-1]
		m.accepted = add(previous.accepted, time.Duration(min(gap, float64(100*365*24*time.Hour))))
		m.sent = add(previous.sent, t.cfg.SendDelay)
	}
	m.sent = t.cfg.schedule().authorizedFrom(max(m.accepted, m.sent))
	m.kind = kind(weightedIndex(t.random, len(kinds), func(k int) int { return kinds[k].share }))
	random := weightedIndex(t.random, len(outcomes), func(o int) int { return outcomes[o].share })
	m.seed = t.random.Uint64()
	m.outcome = t.outcome(&m, outcome(random))
	t.setTimes(&m)
	t.setVariant(&m, i)
	if t.cfg.TextOnly && !m.kind.isText() { // last, because it must not change random values
		m.kind = extendedText
		m.variant &^= duplicateID
	}
	return m
}

// outcome returns the configured outcome of a message, or random if none is configured.
func (t *timeline) outcome(m *message, random outcome) outcome {
	changes := t.cfg.Outcomes
	i := sort.Search(len(changes), func(i int) bool { return changes[i].After > m.accepted }) - 1
	if i >= 0 && changes[i].Status != "" {
		configured, _ := findOutcome(changes[i].Status)
		return configured
	}
	state, status := t.cfg.schedule().at(m.accepted), random.lastStatus()
	if (status == suspended || status == yellowCard) && state != suspended && state != yellowCard {
		return isRead
	}
	if t.cfg.FewFailures && random.isFailure() && choose(m.seed, 'f', 4) > 0 {
		return isRead
	}
	return random
}

// maxLifetime is an upper limit of the time between the first and the last status of a message,
// without Speedup.
const maxLifetime = 26 * time.Hour

func (t *timeline) setTimes(m *message) {
	delay := t.delay(time.Second/5, 3*time.Second, 2*time.Minute, 0.9)
	if t.random.IntN(30) == 0 {
		delay = time.Duration(t.random.Float64() * float64(2*time.Minute))
	}
	m.visible = add(m.sent, t.scaled(delay))
	at := m.sent
	for i, status := range outcomes[m.outcome].statuses {
		at = add(at, t.scaled(t.statusDelay(status)))
		m.reached[i] = at
	}
}

// statusDelay returns the time from the previous status to this one, without Speedup. The sum of
// the delays of an outcome is less than maxLifetime.
func (t *timeline) statusDelay(status string) time.Duration {
	switch status {
	case "pending", "":
		return 0
	case "sent":
		return t.delay(time.Second/5, time.Second, 20*time.Second, 0.6)
	case "delivered":
		return t.delay(time.Second/2, 8*time.Second, 30*time.Minute, 1.5)
	case "read":
		return t.delay(5*time.Second, 15*time.Minute, 24*time.Hour, 1.5)
	default:
		return t.delay(time.Second/2, 4*time.Second, 5*time.Minute, 1)
	}
}

// delay returns a random duration with a log-normal distribution, clamped to the limits.
func (t *timeline) delay(lower, median, upper time.Duration, sigma float64) time.Duration {
	d := time.Duration(float64(median) * math.Exp(sigma*t.random.NormFloat64()))
	return min(max(d, lower), upper)
}

// scaled divides a delay by Speedup. It returns at most half of never, so the result cannot
// overflow.
func (t *timeline) scaled(d time.Duration) time.Duration {
	return time.Duration(min(float64(d)/t.cfg.Speedup, float64(never/2)))
}

// setVariant sets the peculiarities of the row of message i, and the message that it refers to.
func (t *timeline) setVariant(m *message, i int) {
	r := t.random
	if m.kind.refers() {
		if i == 0 {
			m.kind = extendedText // there is no earlier message
		} else {
			m.related = int32(i - 1 - r.IntN(min(i, 20)))
		}
	}
	for _, rare := range []struct {
		variant rowVariant
		oneIn   int
	}{{oldOrder, 25}, {withoutFlags, 6}, {typedOnPhone, 4}} {
		if r.IntN(rare.oneIn) == 0 {
			m.variant |= rare.variant
		}
	}
	if t.incoming {
		m.variant &^= oldOrder // exists only in the outgoing journal
	} else if m.outcome.lastStatus() == "noAccount" && r.IntN(3) == 0 {
		m.variant |= incomplete
		return
	}
	if m.kind == image && i > 0 && r.IntN(8) == 0 {
		previous := t.messages[i-1]
		if previous.kind.isText() && previous.variant&incomplete == 0 {
			m.variant |= duplicateID
			m.related = int32(i - 1)
		}
	}
}

// steps returns the number of statuses that the message has reached at the given time.
func (m *message) steps(at time.Duration) int {
	n := 0
	for n < len(outcomes[m.outcome].statuses) && m.reached[n] <= at {
		n++
	}
	return n
}

// lastAction returns when the message reached its current status, or when it was sent if its row is
// incomplete.
func (m *message) lastAction(at time.Duration) time.Duration {
	if n := m.steps(at); n > 0 && m.variant&incomplete == 0 {
		return m.reached[n-1]
	}
	return m.sent
}

// lastReached returns when the message reaches its last status. It is cheaper than lastAction and
// never returns an earlier time.
func (m *message) lastReached() time.Duration {
	return max(m.sent, m.reached[0], m.reached[1], m.reached[2], m.reached[3])
}

// hash returns the output of SplitMix64 for n. Different n have different hashes.
func hash(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
