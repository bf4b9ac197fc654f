package ledger

import (
	"fmt"
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// life is the history of a message. Times are in whole seconds.
type life struct {
	key      uint64 // 0 if the rows have no id
	typ      string // no other message has this type, so the gauges show each message by itself
	sent     int
	isTimed  bool
	stages   []stage
	vanishes int // when the journal loses the row

	isSampled bool // whether readings may miss statuses that later ones do not imply

	listed []listing // by time
}

// listing is a time during which the window of the journal contains a row with a status.
type listing struct {
	status   string
	from, to int // to is excluded
}

// lifeTypes are the types of the messages, by index.
var lifeTypes = slices.Concat(
	[]string{"textMessage", "stickerMessage", "oddType", "reactionMessage"},
	defaultTypes[1:], []string{"pollMessage", "oddType2", "quotedMessage"},
)

// tierJournal is a journal of random messages. It filters by the time of sending or by the last
// action. The timestamp of a row is that of sending, or moves with the status.
type tierJournal struct {
	lives               []*life
	window              int // in seconds
	moves, byLastAction bool
	events              []int // when rows of the window appear, change or leave, in order
}

func drawTierJournal(t *rapid.T, window, end int) *tierJournal {
	j := &tierJournal{
		window:       window,
		moves:        rapid.Bool().Draw(t, "moves"),
		byLastAction: rapid.Bool().Draw(t, "byLastAction"),
	}
	for i := range rapid.IntRange(1, len(lifeTypes)).Draw(t, "messages") {
		c := drawLife(t, i, window, end)
		c.list(j)
		j.lives = append(j.lives, c)
	}
	slices.Sort(j.events)
	return j
}

func drawLife(t *rapid.T, i, window, end int) *life {
	c := &life{
		key: uint64(i + 1), typ: lifeTypes[i], vanishes: math.MaxInt,
		sent:    rapid.IntRange(-window*5/4, end).Draw(t, "sent"),
		isTimed: rapid.IntRange(0, 9).Draw(t, "timed") < 9,
	}
	if rapid.IntRange(0, 9).Draw(t, "id") == 9 {
		c.key = 0
	}
	c.reach(c.sent, drawLag(t), "pending")
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	default:
		c.drawStatuses(t, window)
	case 6:
		c.drawManyStatuses(t, window)
	case 7:
		c.drawLateStatus(t, window)
	}
	if rapid.IntRange(0, 7).Draw(t, "vanishes") == 7 {
		c.vanishes = rapid.IntRange(0, end).Draw(t, "vanishes at")
		c.stages = slices.DeleteFunc(c.stages, func(s stage) bool { return s.shown >= c.vanishes })
	}
	return c
}

func drawLag(t *rapid.T) int { return rapid.IntRange(0, maxLag).Draw(t, "lag") }

// reach adds a status. The journal shows it when the lag has passed, but not before earlier ones.
func (c *life) reach(reached, lag int, status string) {
	shown := reached + lag
	if n := len(c.stages); n > 0 {
		shown = max(shown, c.stages[n-1].shown)
	}
	c.stages = append(c.stages, stage{status, reached, shown})
}

// drawStatuses draws statuses that the message reaches within minutes or as late as a window. The
// journal skips some of them.
func (c *life) drawStatuses(t *rapid.T, window int) {
	statuses := rapid.SampledFrom([][]string{
		nil, {"sent"}, {"failed"}, {"sent", "delivered"}, {"read"}, {"sent", "delivered", "read"},
		{"oddWord"}, {"suspended"},
	}).Draw(t, "statuses")
	steps := rapid.SampledFrom([]int{60, window / 12, window / 2, window * 11 / 10})
	reached := c.sent
	if rapid.Bool().Draw(t, "skips pending") && len(statuses) > 0 {
		c.stages = nil
	}
	for _, status := range statuses {
		reached += rapid.IntRange(0, steps.Draw(t, "longest step")).Draw(t, "step")
		c.reach(reached, drawLag(t), status)
	}
}

// drawManyStatuses draws statuses at a similar age, so that the gauges show how old they are.
// Readings miss some of the statuses.
func (c *life) drawManyStatuses(t *rapid.T, window int) {
	c.isSampled = true
	age := rapid.IntRange(0, window).Draw(t, "age")
	if rapid.Bool().Draw(t, "is young") {
		age = rapid.IntRange(0, min(window, 3600)).Draw(t, "age")
	}
	reached := c.sent + age
	for i := range rapid.IntRange(0, 14).Draw(t, "statuses") {
		c.reach(reached, drawLag(t), fmt.Sprintf("odd%d", i))
		reached += rapid.IntRange(0, max(30, age/8)).Draw(t, "step")
	}
}

// drawLateStatus draws a status that the message reaches just before it leaves the window.
func (c *life) drawLateStatus(t *rapid.T, window int) {
	before := rapid.IntRange(1, window/4).Draw(t, "before the end")
	lag := rapid.IntRange(0, min(maxLag, before)).Draw(t, "lag")
	c.reach(c.sent+window-before, lag, "read")
}

// at returns the stage that the journal shows at a time, or nil.
func (c *life) at(second int) *stage {
	var shown *stage
	for i := range c.stages {
		if c.stages[i].shown <= second && second < c.vanishes {
			shown = &c.stages[i]
		}
	}
	return shown
}

// filtered returns the time by which the journal filters a row.
func (j *tierJournal) filtered(c *life, s *stage) int {
	if j.byLastAction {
		return s.reached
	}
	return c.sent
}

// list sets c.listed and adds its events to the journal.
func (c *life) list(j *tierJournal) {
	for i := range c.stages {
		s := &c.stages[i]
		to := min(c.vanishes, j.filtered(c, s)+j.window+1)
		if i+1 < len(c.stages) {
			to = min(to, c.stages[i+1].shown)
		}
		if s.shown < to {
			c.listed = append(c.listed, listing{s.status, s.shown, to})
			j.events = append(j.events, s.shown, to)
		}
	}
}

// inWindow reports whether the window contained the row at some time from first to last, and
// whether it contained the row all the time.
func (c *life) inWindow(first, last int) (ever, always bool) {
	covered := first
	for _, l := range c.listed {
		if l.from > last || l.to <= first {
			continue
		}
		ever = true
		if l.from <= covered {
			covered = l.to
		}
	}
	return ever, covered > last
}

// hadStatus reports whether the row had a status at some time from first to last. A row that has
// vanished has its last status.
func (c *life) hadStatus(status string, first, last int) bool {
	for i, s := range c.stages {
		to := math.MaxInt
		if i+1 < len(c.stages) {
			to = c.stages[i+1].shown
		}
		if s.status == status && s.shown < to && s.shown <= last && to > first {
			return true
		}
	}
	return false
}

// row returns the row of a message that the journal shows.
func (j *tierJournal) row(c *life, s *stage) Row {
	timestamp := c.sent
	if j.moves {
		timestamp = s.reached
	}
	row := Row{Key: c.key, Type: []byte(c.typ), Status: []byte(s.status)}
	if c.isTimed {
		row.Timestamp, row.Timed = unixSeconds(second(timestamp)), true
	}
	return row
}

// rows returns the response to a call at a time.
func (j *tierJournal) rows(now, minutes int) []Row {
	var rows []Row
	for _, c := range j.lives {
		if s := c.at(now); s != nil && j.filtered(c, s) >= now-60*minutes {
			rows = append(rows, j.row(c, s))
		}
	}
	return rows
}

// lastEvent returns the time of the last event until now.
func (j *tierJournal) lastEvent(now int) int {
	if i, _ := slices.BinarySearch(j.events, now+1); i > 0 {
		return j.events[i-1]
	}
	return math.MinInt32
}

// second returns the time of a second after testNow.
func second(s int) time.Time { return testNow.Add(time.Duration(s) * time.Second) }
