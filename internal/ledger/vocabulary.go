package ledger

import "slices"

const (
	// maxCustom limits the undocumented words of a vocabulary. Further words share one series, so
	// foreign text cannot create series without bound.
	maxCustom = 16
	// maxWordLength is the length in bytes of the longest word that is exposed.
	maxWordLength = 64
)

// The first indexes of each vocabulary. They are also the bits of a statusSet.
const (
	unknown = iota // an absent, empty or null word
	other          // a word without an index of its own
	pending        // this and the following are statuses only
	sent
	delivered
	read
)

// documentedStatuses are the values of statusMessage in GREEN-API's documentation. In July 2026,
// suspended replaced yellowCard.
var documentedStatuses = []string{
	"pending", "sent", "delivered", "read", "noAccount", "notInGroup", "yellowCard", "suspended",
	"failed", "noActiveSession",
}

// defaultTypes are the values of typeMessage in GREEN-API's first documentation, in its order. Each
// instance has series for them.
var defaultTypes = []string{
	"textMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage",
	"locationMessage", "contactMessage", "extendedTextMessage",
}

// laterTypes are the values of typeMessage that were documented later.
var laterTypes = []string{
	"quotedMessage", "stickerMessage", "contactsArrayMessage", "pollMessage", "pollUpdateMessage",
	"reactionMessage", "editedMessage", "deletedMessage", "templateMessage",
	"templateButtonsReplyMessage", "buttonsMessage", "buttonsResponseMessage", "listMessage",
	"listResponseMessage", "interactiveButtons", "interactiveButtonsReply",
	"interactiveButtonsResponse", "groupInviteMessage", "incomingBlock",
}

func isDocumentedStatus(index int) bool {
	return index > other && index <= other+len(documentedStatuses)
}

func isDefaultType(index int) bool { return index > other && index <= other+len(defaultTypes) }

// vocabulary maps words to small indexes, which are stable for the life of the ledger. It is
// immutable: a failed reading adds no words, and ledgers share a vocabulary until they need their
// own words.
type vocabulary struct {
	words  []string
	slots  [256]uint8 // hash table of indexes plus 1, or 0 if free; collisions use linear probing
	custom int        // number of undocumented words
}

// vocabularies are the statuses and types of a ledger.
type vocabularies struct{ statuses, types *vocabulary }

func documentedWords() vocabularies {
	types := slices.Concat(defaultTypes, laterTypes)
	return vocabularies{newVocabulary(documentedStatuses), newVocabulary(types)}
}

func newVocabulary(documented []string) *vocabulary {
	v := new(vocabulary)
	for _, word := range append([]string{"unknown", "other"}, documented...) {
		v.add(word)
	}
	return v
}

func (v *vocabulary) add(word string) {
	v.words = append(v.words, word)
	*v.slot([]byte(word)) = uint8(len(v.words))
}

// slot returns the slot of a word that is not empty, or the free slot in which to store it. Each
// row needs two lookups. Each takes a few nanoseconds, several times less than with a map.
func (v *vocabulary) slot(word []byte) *uint8 {
	n := len(word)
	for i := uint8(n) + 7*word[0] + 31*word[n/2] + 127*word[n-1]; ; i++ {
		if slot := &v.slots[i]; *slot == 0 || v.words[*slot-1] == string(word) {
			return slot
		}
	}
}

// intern returns the index of a word and a vocabulary that contains it: v or an extended copy.
func (v *vocabulary) intern(word []byte) (uint8, *vocabulary) {
	if len(word) == 0 {
		return unknown, v
	}
	if slot := *v.slot(word); slot > 0 {
		return slot - 1, v
	}
	if v.custom == maxCustom || !isIdentifier(word) {
		return other, v
	}
	extended := *v
	extended.words = slices.Clone(v.words)
	extended.custom++
	extended.add(string(word))
	return uint8(len(v.words)), &extended
}

// remap interns all words. It returns their indexes and a vocabulary that contains them.
func (v *vocabulary) remap(words []string) (indexes []uint8, extended *vocabulary) {
	indexes = make([]uint8, len(words))
	for i, word := range words {
		indexes[i], v = v.intern([]byte(word))
	}
	return indexes, v
}

func isIdentifier(word []byte) bool {
	if len(word) > maxWordLength {
		return false
	}
	for i, c := range word {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// statusSet is a set of statuses by index. A vocabulary has at most 2 + 10 + maxCustom of them.
type statusSet uint32

// impliedStatuses returns the statuses that a message with this status has reached.
func impliedStatuses(status uint8) statusSet {
	set := statusSet(1) << status
	switch status {
	case unknown:
		return set
	case read:
		set |= 1<<delivered | 1<<sent
	case delivered:
		set |= 1 << sent
	}
	return set | 1<<pending
}
