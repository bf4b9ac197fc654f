package ledger

import "slices"

// maxCustom is how many words that are not documented an instance can have of each kind. What exceeds it shares one
// series, so that foreign text cannot grow the number of series without bound.
const maxCustom = 16

// maxWordLength is how long a word may be that is exposed as it is, in bytes.
const maxWordLength = 64

// The first places in every vocabulary, and so the bits of a set of statuses.
const (
	unknown = iota // an absent, empty or null word
	other          // a word that has no place of its own
	pending        // of statuses only
	sent
	delivered
	read
)

// documentedStatuses are the values of statusMessage in GREEN-API's documentation. yellowCard was replaced by suspended
// in July 2026.
func documentedStatuses() []string {
	return []string{
		"pending", "sent", "delivered", "read", "noAccount", "notInGroup", "yellowCard", "suspended", "failed",
		"noActiveSession",
	}
}

// defaultTypes are the values of typeMessage in GREEN-API's first documentation, in its order. Their series exist for
// every instance.
func defaultTypes() []string {
	return []string{
		"textMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage", "locationMessage",
		"contactMessage", "extendedTextMessage",
	}
}

// laterTypes are the values of typeMessage documented since.
func laterTypes() []string {
	return []string{
		"quotedMessage", "stickerMessage", "contactsArrayMessage", "pollMessage", "pollUpdateMessage", "reactionMessage",
		"editedMessage", "deletedMessage", "templateMessage", "templateButtonsReplyMessage", "buttonsMessage",
		"buttonsResponseMessage", "listMessage", "listResponseMessage", "interactiveButtons", "interactiveButtonsReply",
		"interactiveButtonsResponse", "groupInviteMessage", "incomingBlock",
	}
}

func isDocumentedStatus(place int) bool {
	return place >= pending && place < pending+len(documentedStatuses())
}

func isDefaultType(place int) bool {
	return place > other && place <= other+len(defaultTypes())
}

// vocabulary gives each word a place: a small number that stays its own for the life of the ledger. It is immutable, so
// that a reading that fails leaves no word behind, and ledgers can share one until they are shown words of their own.
type vocabulary struct {
	words  []string
	slots  [256]uint8 // the places of the words, counted from 1, by their hashes: each in its own slot or the next free one
	custom int        // how many of the words are not documented
}

// vocabularies are the vocabularies of a ledger.
type vocabularies struct{ statuses, types *vocabulary }

// documentedWords are those that a ledger begins with.
func documentedWords() vocabularies {
	return vocabularies{newVocabulary(documentedStatuses()), newVocabulary(defaultTypes(), laterTypes())}
}

func newVocabulary(documented ...[]string) *vocabulary {
	v := new(vocabulary)
	v.add("unknown")
	v.add("other")
	for _, words := range documented {
		for _, word := range words {
			v.add(word)
		}
	}
	return v
}

func (v *vocabulary) add(word string) {
	v.words = append(v.words, word)
	*v.slot([]byte(word)) = uint8(len(v.words))
}

// slot returns that of the word, or the free one where it would be. Twice for each row a word is looked up, which takes a
// few nanoseconds like this, and several times as many with a map.
func (v *vocabulary) slot(word []byte) *uint8 {
	n := len(word)
	for i := uint8(n) + 7*word[0] + 31*word[n/2] + 127*word[n-1]; ; i++ {
		if slot := &v.slots[i]; *slot == 0 || v.words[*slot-1] == string(word) {
			return slot
		}
	}
}

// intern returns the word's place, and the vocabulary that has it: v itself, or a longer copy.
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
	longer := *v
	longer.words = slices.Clone(v.words)
	longer.custom++
	longer.add(string(word))
	return uint8(len(v.words)), &longer
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

// statusSet is a set of statuses by their places; there are at most 2 + 10 + maxOwn of them.
type statusSet uint32

// impliedStatuses is the set of statuses that a message has reached which is shown with this one.
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
