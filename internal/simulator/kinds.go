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

// kinds are the values of typeMessage, with their shares of all messages in per mille and the
// members of their rows. A quoted message repeats the names of members of the row with other
// values.
var kinds = [...]struct {
	name    string
	share   int
	content template
}{
	extendedText: {"extendedTextMessage", 560, newTemplate(`"textMessage":"$text$",` +
		`"extendedTextMessage":{"text":"$text$","description":"","title":"","previewType":"None",` +
		`"jpegThumbnail":"","forwardingScore":0,"isForwarded":false}`)},
	text:     {"textMessage", 30, newTemplate(`"textMessage":"$text$"`)},
	image:    {"imageMessage", 90, newTemplate(fileHead + thumbnail + fileTail)},
	document: {"documentMessage", 70, newTemplate(fileHead + thumbnail + fileTail)},
	video:    {"videoMessage", 20, newTemplate(fileHead + fileTail)},
	audio:    {"audioMessage", 30, newTemplate(fileHead + fileTail)},
	quoted: {"quotedMessage", 60, newTemplate(`"extendedTextMessageData":{"text":"$text$"},` +
		`"quotedMessage":{"stanzaId":"$related.id$","participant":"$related.chat$",` +
		`"type":"$oppositeType$","idMessage":"$related.id$","timestamp":$start$,` +
		`"typeMessage":"$related.kind$","statusMessage":"read",` +
		`"extendedTextMessage":{"text":"$related.text$"},"isEdited":true,"isDeleted":true}`)},
	reaction: {"reactionMessage", 50, newTemplate(
		`"extendedTextMessageData":{"text":"\ud83d\ude04"},` +
			`"quotedMessage":{"stanzaId":"$related.id$","participant":"$related.chat$"}`)},
	deleted: {"deletedMessage", 20, newTemplate(
		`"deletedMessageData":{"stanzaId":"$related.id$"}`)},
	sticker: {"stickerMessage", 20, newTemplate(fileHead + fileTail)},
	poll: {"pollMessage", 20, newTemplate(`"pollMessageData":{"name":"$text$",` +
		`"options":[{"optionName":"Monday"},{"optionName":"Never, {really}"},` +
		`{"optionName":"[]"}],"multipleAnswers":false}`)},
	location: {"locationMessage", 15, newTemplate(`"location":{"nameLocation":"$text$",` +
		`"address":"","latitude":-48.8767,"longitude":-1.2345e2,"jpegThumbnail":""}`)},
	contact: {"contactMessage", 15, newTemplate(`"contact":{"displayName":"$text$",` +
		`"vcard":"BEGIN:VCARD\nVERSION:3.0\nTEL:+11005550199\nEND:VCARD"}`)},
}

const (
	fileHead = `"downloadUrl":"https://files.example.invalid/$id$","caption":"$text$",` +
		`"fileName":"about \"all\" that.bin",`
	thumbnail = `"jpegThumbnail":"$thumbnail$",`
	fileTail  = `"mimeType":"application/octet-stream","forwardingScore":0,"isForwarded":false`
)

// refers reports whether messages of the kind refer to an earlier message.
func (k kind) refers() bool { return k == quoted || k == reaction || k == deleted }

func (k kind) isText() bool { return k == extendedText || k == text }

// outcome is an index of outcomes.
type outcome uint8

const isRead outcome = 0

// outcomes are the possible sequences of a message's statuses, with their shares of all messages in
// per mille. An empty status is absent, empty or null in the row. Messages remain pending only
// after an OutcomeChange. They get the statuses of a suspension only if they are accepted during
// one.
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

// isFailure reports whether messages with the outcome are never sent.
func (o outcome) isFailure() bool {
	statuses := outcomes[o].statuses
	return len(statuses) > 1 && statuses[1] != "sent"
}

func findOutcome(lastStatus string) (outcome, bool) {
	for o := range outcomes {
		if outcome(o).lastStatus() == lastStatus {
			return outcome(o), true
		}
	}
	return 0, false
}

// weightedIndex returns a random index below n. The probability of an index is proportional to its
// share.
func weightedIndex(r *rand.Rand, n int, share func(int) int) int {
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
