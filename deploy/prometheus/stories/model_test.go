package stories

import (
	"slices"
	"time"
)

const (
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

// story is a promtool test. All times count from midnight of its first day, which is time 0 in
// promtool.
type story struct {
	file       string // the test is in file.test.yml
	name       string
	words      string // what happens; each account has its own words
	length     time.Duration
	step       time.Duration // the scrape interval; 0 means a minute
	evaluation time.Duration // the interval between evaluations; 0 means a minute
	exporters  []exporter
}

// firing is an alert that a story requires.
type firing struct {
	alert, severity string
	after           time.Duration // it must not fire before this
	by              time.Duration // it must fire at this time
	gone            time.Duration // it must not fire from this time on; 0 means no such time
}

// span is a half-open interval: it includes its first member, but not its second.
type span [2]time.Duration

func (s span) contains(t time.Duration) bool { return s[0] <= t && t < s[1] }

// exporter is a process that serves accounts.
type exporter struct {
	host     string
	down     []span        // when no process runs
	memory   bool          // no --storage.path: each start begins new ledgers
	upgraded time.Duration // when the release with the histogram of delays starts; 0 means long ago
	accounts []account
	fires    []firing // alerts that have no instance
}

func (e *exporter) isDown(t time.Duration) bool {
	return slices.ContainsFunc(e.down, func(s span) bool { return s.contains(t) })
}

// account is an instance of GREEN-API.
type account struct {
	id    string
	words string   // what happens, and what must and must not fire
	fires []firing // nothing else may fire at any time
	sends []sending
	fails []failure

	installed time.Duration           // when the exporter first reads it; 0 means a month ago
	interval  time.Duration           // between readings of the journal; 0 means each scrape
	states    []level[string]         // otherwise, the account is authorized
	queue     []level[int]            // in addition to the messages that wait
	webhooks  func(time.Duration) int // the webhook queue; nil means that the collector is off
	settings  []setting               // nil means that the collector is off
	suspended span                    // the collector account is on if it is set
}

// setting is one of the yes/no settings of an account.
type setting struct {
	name string
	off  span
}

// level is a value during a span.
type level[T any] struct {
	span
	value T
}

func levelAt[T any](levels []level[T], t time.Duration, otherwise T) T {
	for _, l := range levels {
		if l.contains(t) {
			return l.value
		}
	}
	return otherwise
}

// failure is a span in which calls fail.
type failure struct {
	span
	result     string
	collectors []string // nil means all
}

// sending is a stream of messages: n messages at once, at regular intervals.
type sending struct {
	span
	n     int
	every time.Duration // 0 means once, at the start of the span
	fates []fate        // shares of the messages
	// pace is the time between two messages of the same batch: the batch waits in the queue.
	pace time.Duration
	// released is when waiting messages are sent, or 0 if they do not wait.
	released time.Duration
	// unseen messages appear in the journal only when they are sent, with the time of sending.
	unseen bool
}

// fate lists the statuses that some messages reach, as hops.
type fate struct {
	weight int
	hops   []hop
}

// hop is a status, and the time from the message's timestamp until it reaches the status.
type hop struct {
	status string
	after  time.Duration
}

// Fates of messages. WhatsApp accepts a message within seconds.
func arrive(weight int) fate {
	return arriveAfter(weight, 5*second, 10*second)
}

func stayUnread(weight int) fate {
	return fate{weight, []hop{{"sent", 5 * second}, {"delivered", 10 * second}}}
}

func arriveAfter(weight int, sent, delivered time.Duration) fate {
	read := delivered + 20*minute
	return fate{weight, []hop{{"sent", sent}, {"delivered", delivered}, {"read", read}}}
}

func staySent(weight int) fate { return fate{weight, []hop{{"sent", 5 * second}}} }

func end(weight int, status string) fate {
	return fate{weight, []hop{{status, 10 * second}}}
}
