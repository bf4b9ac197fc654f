package simulator

import (
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"time"
)

// message is all that will ever happen to one message. Times are since the start of the account.
type message struct {
	accepted time.Duration    // when the API takes it over, or someone sends it to the account
	sent     time.Duration    // when it leaves the account, or arrives there; never if that does not come
	visible  time.Duration    // when its row appears
	reached  [4]time.Duration // when each status of its fate's path is reached; the first as it is sent
	dice     uint64           // settles what its content is
	other    int32            // the message that it answers, deletes or shares its id with
	kind     kind
	fate     outcome // of no meaning for a message that is received
	shape    rowVariant
}

// rowVariant is what is peculiar about a row, in bits.
type rowVariant uint8

const (
	incomplete  rowVariant = 1 << iota // the row has neither id nor time, chat or status
	duplicateID                        // the row has the id of the message before it, and another type
	oldOrder                           // as rows of some years ago: the status before the content, no type, no flags
	flagless                           // without the flags about edits and deletions
	byPhone                            // typed on the phone, not sent by the API
)

// timeline is the list of the lives of all messages that go one way, told as far as anyone has asked. It is safe for
// concurrent use, and so are the lives that until has returned, since they never change: accounts that live alike can
// share it.
type timeline struct {
	incoming bool
	seed     uint64
	meanGap  float64 // in nanoseconds
	pace     float64
	most     int // lives in all
	textOnly bool
	schedule schedule
	fates    []FateChange
	delay    time.Duration // at least, between two that are sent

	mu     sync.Mutex
	lives  []message
	source *rand.PCG
	random *rand.Rand
}

// stories are what an account sends and receives, with the thumbnails for both.
type stories struct {
	outgoing   *timeline
	incoming   *timeline
	thumbnails string
}

// newStories are those of an account as cfg says.
func newStories(cfg Config, states schedule) stories {
	s := stories{outgoing: newStory(cfg, states), incoming: newIncomingStory(cfg, states)}
	if !cfg.TextOnly {
		s.thumbnails = newThumbnails(cfg.Seed)
	}
	return s
}

// newIncomingStory is what an account as cfg says receives. Its seed is another than that of what the account sends, so
// that no message is in both stories.
func newIncomingStory(cfg Config, states schedule) *timeline {
	cfg.Seed = mix(cfg.Seed ^ 'r')
	cfg.MessagesPerHour, cfg.Messages, cfg.SendDelay = cfg.IncomingPerHour, 0, 0
	s := newStory(cfg, states)
	s.incoming = true
	return s
}

// newStory is what an account as cfg says sends.
func newStory(cfg Config, states schedule) *timeline {
	s := &timeline{
		seed: cfg.Seed, pace: cfg.Speedup, most: math.MaxInt32, textOnly: cfg.TextOnly,
		schedule: states, fates: newFates(cfg.Fates), delay: cfg.SendDelay, source: rand.NewPCG(0, 0),
	}
	s.random = rand.New(s.source)
	if cfg.Messages > 0 {
		s.most = cfg.Messages
	}
	if cfg.MessagesPerHour > 0 {
		s.meanGap = float64(time.Hour) / cfg.MessagesPerHour
	} else {
		s.most = 0
	}
	return s
}

// until returns the lives of all messages sent by at, oldest first.
func (s *timeline) until(at time.Duration) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tell(at)
}

// queued is how many lives are accepted and not yet sent by at.
func (s *timeline) queued(at time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := len(s.tell(at)) // which has told all that are accepted
	return sort.Search(len(s.lives), func(i int) bool { return s.lives[i].accepted > at }) - sent
}

// tell tells all lives that are accepted by at, since none is sent earlier, and one more, which ends the telling: the
// times of both never go back from one life to the next. It returns those that are sent by then. The lock must be held.
func (s *timeline) tell(at time.Duration) []message {
	for len(s.lives) < s.most && (len(s.lives) == 0 || s.lives[len(s.lives)-1].accepted <= at) {
		s.lives = append(s.lives, s.next())
	}
	n := sort.Search(len(s.lives), func(i int) bool { return s.lives[i].sent > at })
	return s.lives[:n:n]
}

// next makes up the life that follows the last one. Each has a random sequence of its own, so that what one of them
// draws does not shift all that come later.
func (s *timeline) next() message {
	i := len(s.lives)
	s.source.Seed(mix(s.seed), mix(uint64(i)))
	var l message
	if gap := s.random.ExpFloat64() * s.meanGap; i > 0 {
		l.accepted = later(s.lives[i-1].accepted, time.Duration(min(gap, float64(100*365*24*time.Hour))))
	}
	l.sent = s.sending(i, l.accepted)
	l.kind = kind(draw(s.random, len(kinds), func(k int) int { return kinds[k].share }))
	l.fate = s.fate(l.accepted, outcome(draw(s.random, len(fates), func(f int) int { return fates[f].share })))
	l.dice = s.random.Uint64()
	s.plan(&l)
	s.shape(&l, i)
	if s.textOnly && !l.kind.isText() { // at the end, for the sake of what is drawn before
		l.kind = extendedText
		l.shape &^= duplicateID
	}
	return l
}

// sending is when the i-th message leaves the account after it was accepted: when it is authorized, and the delay after
// the message before it.
func (s *timeline) sending(i int, accepted time.Duration) time.Duration {
	if i > 0 {
		accepted = max(accepted, later(s.lives[i-1].sent, s.delay))
	}
	return s.schedule.authorizedFrom(accepted)
}

// outcome is what becomes of a message that is accepted at the time, if the dice say drawn.
func (s *timeline) fate(at time.Duration, drawn outcome) outcome {
	if i := sort.Search(len(s.fates), func(i int) bool { return s.fates[i].After > at }) - 1; i >= 0 && s.fates[i].Status != "" {
		drawn, _ = fateOf(s.fates[i].Status)
		return drawn
	}
	state := s.schedule.state(at)
	if word := drawn.word(); (word == suspended || word == yellowCard) && state != suspended && state != yellowCard {
		return usual
	}
	return drawn
}

// longest is more than any life lasts from its sending on, at a pace of 1.
const longest = 26 * time.Hour

// plan settles when the row appears and the statuses are reached.
func (s *timeline) plan(l *message) {
	late := s.between(time.Second/5, 3*time.Second, 2*time.Minute, 0.9)
	if s.random.IntN(30) == 0 {
		late = time.Duration(s.random.Float64() * float64(2*time.Minute))
	}
	l.visible = later(l.sent, s.paced(late))
	at := l.sent
	for i := range fates[l.fate].steps {
		at = later(at, s.paced(s.wait(fates[l.fate].path[i])))
		l.reached[i] = at
	}
}

// wait is how long after the status before it one is reached among people. The sum along a path is below longest.
func (s *timeline) wait(status string) time.Duration {
	switch status {
	case "pending", "":
		return 0
	case "sent":
		return s.between(time.Second/5, time.Second, 20*time.Second, 0.6)
	case "delivered":
		return s.between(time.Second/2, 8*time.Second, 30*time.Minute, 1.5)
	case "read":
		return s.between(5*time.Second, 15*time.Minute, 24*time.Hour, 1.5)
	default:
		return s.between(time.Second/2, 4*time.Second, 5*time.Minute, 1)
	}
}

// shape settles the looks of the i-th row, and which earlier message it has to do with.
func (s *timeline) shape(l *message, i int) {
	r := s.random
	if l.kind.refers() {
		if i == 0 {
			l.kind = extendedText // there is nothing to answer yet
		} else {
			l.other = int32(i - 1 - r.IntN(min(i, 20)))
		}
	}
	for _, odd := range []struct {
		shape rowVariant
		oneIn int
	}{{oldOrder, 25}, {flagless, 6}, {byPhone, 4}} {
		if r.IntN(odd.oneIn) == 0 {
			l.shape |= odd.shape
		}
	}
	if s.incoming {
		l.shape &^= oldOrder // which is of what the account sends
	} else if fates[l.fate].path[1] == "noAccount" && r.IntN(3) == 0 {
		l.shape |= incomplete
		return
	}
	if l.kind == image && i > 0 && r.IntN(8) == 0 {
		before := s.lives[i-1]
		if before.kind.isText() && before.shape&incomplete == 0 {
			l.shape |= duplicateID
			l.other = int32(i - 1)
		}
	}
}

// between draws a delay that is mostly near the median, sometimes far longer, and within the bounds always.
func (s *timeline) between(least, median, most time.Duration, spread float64) time.Duration {
	d := time.Duration(float64(median) * math.Exp(spread*s.random.NormFloat64()))
	return min(max(d, least), most)
}

// paced is what the pace makes of a time among people. Half of never is beyond all bounds, and stays a Duration.
func (s *timeline) paced(d time.Duration) time.Duration {
	return time.Duration(min(float64(d)/s.pace, float64(never/2)))
}

// steps is how many statuses the life has reached by at, none before it was sent.
func (l *message) steps(at time.Duration) int {
	n := 0
	for n < fates[l.fate].steps && l.reached[n] <= at {
		n++
	}
	return n
}

// lastAction is when the latest status by at was reached. An incomplete row has none: its time is that of sending.
func (l *message) lastAction(at time.Duration) time.Duration {
	if n := l.steps(at); n > 0 && l.shape&incomplete == 0 {
		return l.reached[n-1]
	}
	return l.sent
}

// mix spreads the bits of n over the whole word, different ones for different n (the finalizer of SplitMix64).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
