package simulator

import "math/rand/v2"

// kind is a word of typeMessage.
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

// refers says whether messages of the kind have to do with an earlier one.
func (k kind) refers() bool { return k == quoted || k == reaction || k == deleted }

// isText says whether a message of the kind is nothing but words.
func (k kind) isText() bool { return k == extendedText || k == text }

// kinds tells each kind's word and its share of all messages, per mille.
var kinds = [...]struct {
	word  string
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

// outcome is an index of fates.
type outcome uint8

// usual is the fate of a message with which all goes well.
const usual = 0

// fates tells the ways that messages go, and how many of a thousand go each. The empty word is a row that never has a
// status. Only a FateChange lets messages hang in pending; and only those that are accepted while the account is suspended
// are refused for it, others have the usual fate instead.
var fates = [...]struct {
	share int
	path  [4]string
	steps int
}{
	usual: {630, [4]string{"pending", "sent", "delivered", "read"}, 4},
	{170, [4]string{"pending", "sent", "delivered"}, 3},
	{90, [4]string{"pending", "sent"}, 2},
	{45, [4]string{"pending", "noAccount"}, 2},
	{0, [4]string{"pending"}, 1},
	{20, [4]string{"pending", "failed"}, 2},
	{8, [4]string{"pending", "yellowCard"}, 2},
	{12, [4]string{"pending", "suspended"}, 2},
	{5, [4]string{"pending", "notInGroup"}, 2},
	{5, [4]string{"pending", "noActiveSession"}, 2},
	{15, [4]string{""}, 1},
}

// draw picks one of n by their shares.
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
	panic("simulator: shares that do not add up")
}

// word is how the fate ends.
func (f outcome) word() string { return fates[f].path[fates[f].steps-1] }

// fateOf finds the fate that ends with the word.
func fateOf(word string) (outcome, bool) {
	for f := range fates {
		if outcome(f).word() == word {
			return outcome(f), true
		}
	}
	return 0, false
}
