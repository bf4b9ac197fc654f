package simulator

import "math/rand/v2"

// kind is an index of kinds.
type kind uint8

const (
	extendedText kind = iota
	text
	image
	document
	video
	audio
	quoted
	reaction
	deleted
	sticker
	poll
	location
	contact
)

// kinds are the values of typeMessage, each with its share of all messages in per mille.
var kinds = [...]struct {
	name  string
	share int
}{
	extendedText: {"extendedTextMessage", 560},
	text:         {"textMessage", 30},
	image:        {"imageMessage", 90},
	document:     {"documentMessage", 70},
	video:        {"videoMessage", 20},
	audio:        {"audioMessage", 30},
	quoted:       {"quotedMessage", 60},
	reaction:     {"reactionMessage", 50},
	deleted:      {"deletedMessage", 20},
	sticker:      {"stickerMessage", 20},
	poll:         {"pollMessage", 20},
	location:     {"locationMessage", 15},
	contact:      {"contactMessage", 15},
}

// refers reports whether messages of the kind refer to an earlier message.
func (k kind) refers() bool { return k == quoted || k == reaction || k == deleted }

func (k kind) isText() bool { return k == extendedText || k == text }

// outcome is an index of outcomes.
type outcome uint8

const isRead outcome = 0

// outcomes are the sequences of statuses of a message, each with its share of all messages in per
// mille. An empty status is absent, empty or null in the row. Messages remain pending only by an
// OutcomeChange. Messages that are not accepted during a suspension are never refused for it.
var outcomes = [...]struct {
	share    int
	statuses []string
}{
	isRead: {630, []string{"pending", "sent", "delivered", "read"}},
	{170, []string{"pending", "sent", "delivered"}},
	{90, []string{"pending", "sent"}},
	{45, []string{"pending", "noAccount"}},
	{0, []string{"pending"}},
	{20, []string{"pending", "failed"}},
	{8, []string{"pending", yellowCard}},
	{12, []string{"pending", suspended}},
	{5, []string{"pending", "notInGroup"}},
	{5, []string{"pending", "noActiveSession"}},
	{15, []string{""}},
}

func (o outcome) lastStatus() string {
	statuses := outcomes[o].statuses
	return statuses[len(statuses)-1]
}

func findOutcome(lastStatus string) (outcome, bool) {
	for o := range outcomes {
		if outcome(o).lastStatus() == lastStatus {
			return outcome(o), true
		}
	}
	return 0, false
}

// draw returns a random index below n, weighted by shares.
func draw(r *rand.Rand, n int, share func(int) int) int {
	sum := 0
	for i := range n {
		sum += share(i)
	}
	rest := r.IntN(sum)
	for i := range n {
		if rest -= share(i); rest < 0 {
			return i
		}
	}
	panic("unreachable: rest is less than the sum of the shares")
}
