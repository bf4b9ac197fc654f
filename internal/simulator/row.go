package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
)

// direction is the type of the rows.
func (p page) direction() string {
	if p.incoming {
		return "incoming"
	}
	return "outgoing"
}

// bareRow is the row of a message that came to nothing.
func (p page) bareRow() string { return `{"type":"` + p.direction() + `","typeMessage":""}` }

// badRow is a row that is wrong in its timestamp only.
func (p page) badRow() string {
	o := jsonWriter{b: []byte("{")}
	o.str("type", p.direction())
	o.str("idMessage", "BAD0000000000000")
	o.str("timestamp", "yesterday")
	o.str("typeMessage", "textMessage")
	o.str("chatId", "11005550100@c.us")
	o.str("textMessage", "")
	if !p.incoming {
		o.str("statusMessage", "sent")
	}
	o.close()
	return string(o.b)
}

// appendRow appends the JSON of the i-th life to b.
func (p page) appendRow(b []byte, i int) []byte {
	l := &p.lives[i]
	if l.shape&incomplete != 0 {
		return append(b, p.bareRow()...)
	}
	var buf [longestID]byte
	o := jsonWriter{b: append(b, '{')}
	old := l.shape&oldOrder != 0
	if !old {
		o.str("type", p.direction())
	}
	o.bytes("idMessage", p.appendID(buf[:0], i))
	o.num("timestamp", p.timestamp(l))
	if old {
		p.status(&o, l)
	}
	o.str("typeMessage", kinds[l.kind].word)
	o.bytes("chatId", appendChat(buf[:0], l.dice))
	p.content(&o, i)
	if p.incoming {
		sender(&o, l.dice)
	} else if !old {
		p.status(&o, l)
		o.flag("sendByApi", l.shape&byPhone == 0)
	}
	if l.kind == deleted {
		o.bytes("deletedMessageId", p.appendID(buf[:0], int(l.other)))
		o.flag("isDeleted", true)
	} else if l.shape&(oldOrder|flagless) == 0 {
		o.str("deletedMessageId", "")
		o.str("editedMessageId", "")
		o.flag("isEdited", false)
		o.flag("isDeleted", false)
	}
	return append(o.b, '}')
}

// status writes the latest status; a life without one has it absent, empty or null, always the same way.
func (p page) status(o *jsonWriter, l *message) {
	n := l.steps(p.at)
	if n == 0 {
		return
	}
	if word := fates[l.fate].path[n-1]; word != "" {
		o.str("statusMessage", word)
		return
	}
	switch pick(l.dice, 'n', 3) {
	case 0:
		o.str("statusMessage", "")
	case 1:
		o.raw("statusMessage", "null")
	}
}

// content writes what the message says, as the members that its kind has.
func (p page) content(o *jsonWriter, i int) {
	l := &p.lives[i]
	words := phrase(l.dice)
	var buf [longestID]byte
	switch l.kind {
	case text:
		o.str("textMessage", words)
	case extendedText:
		o.str("textMessage", words)
		o.open("extendedTextMessage")
		o.str("text", words)
		o.str("description", "")
		o.str("title", "")
		o.str("previewType", "None")
		o.str("jpegThumbnail", "")
		o.forwarded()
		o.close()
	case image, document, video, audio, sticker:
		p.file(o, i, words)
	case quoted, reaction:
		p.answer(o, l, words)
	case deleted:
		o.open("deletedMessageData")
		o.bytes("stanzaId", p.appendID(buf[:0], int(l.other)))
		o.close()
	case poll:
		o.open("pollMessageData")
		o.str("name", words)
		o.raw("options", `[{"optionName":"Monday"},{"optionName":"Never, {really}"},{"optionName":"[]"}]`)
		o.flag("multipleAnswers", false)
		o.close()
	case location:
		o.open("location")
		o.str("nameLocation", words)
		o.str("address", "")
		o.raw("latitude", "-48.8767")
		o.raw("longitude", "-1.2345e2")
		o.str("jpegThumbnail", "")
		o.close()
	case contact:
		o.open("contact")
		o.str("displayName", words)
		o.str("vcard", `BEGIN:VCARD\nVERSION:3.0\nTEL:+11005550199\nEND:VCARD`)
		o.close()
	}
}

// file writes a picture, a document or a sound; the first two with a thumbnail, which is most of a journal's bytes.
func (p page) file(o *jsonWriter, i int, words string) {
	l := &p.lives[i]
	var buf [longestID]byte
	o.str("downloadUrl", "https://files.example.invalid/", string(p.appendID(buf[:0], i)))
	o.str("caption", words)
	o.str("fileName", `about \"all\" that.bin`)
	if l.kind == image || l.kind == document {
		at := 4 * pick(l.dice, 't', 512)
		o.str("jpegThumbnail", "/9j/", p.thumbnails[at:at+5600+at/16*4])
	}
	o.str("mimeType", "application/octet-stream")
	o.forwarded()
}

// answer writes the members of a reply or a reaction. What they quote has, nested, keys like those of a row, and values
// that are not the row's: a status even where the row has none.
func (p page) answer(o *jsonWriter, l *message, words string) {
	to := int(l.other)
	var buf [longestID]byte
	if l.kind == reaction {
		words = `\ud83d\ude04`
	}
	o.open("extendedTextMessageData")
	o.str("text", words)
	o.close()
	o.open("quotedMessage")
	o.bytes("stanzaId", p.appendID(buf[:0], to))
	o.bytes("participant", appendChat(buf[:0], p.lives[to].dice))
	if l.kind == quoted {
		o.str("type", page{incoming: !p.incoming}.direction())
		o.bytes("idMessage", p.appendID(buf[:0], to))
		o.num("timestamp", p.start.Unix())
		o.str("typeMessage", kinds[p.lives[to].kind].word)
		o.str("statusMessage", "read")
		o.open("extendedTextMessage")
		o.str("text", phrase(p.lives[to].dice))
		o.close()
		o.flag("isEdited", true)
		o.flag("isDeleted", true)
	}
	o.close()
}

// id is the idMessage of the i-th life.
func (p page) id(i int) string { return string(p.appendID(nil, i)) }

// appendID appends the idMessage of the i-th life. Every form holds all 64 bits of a number that no other index has, and
// the forms differ in length or in having letters: two are never the same, save that a twin shares its brother's.
func (p page) appendID(b []byte, i int) []byte {
	if p.lives[i].shape&duplicateID != 0 {
		i = int(p.lives[i].other)
	}
	n := mix(uint64(i)) ^ mix(p.seed)
	switch dice := p.lives[i].dice; pick(dice, 'i', 10) {
	case 0:
		return appendDecimal(b, n, 20)
	case 1, 2:
		return appendHex(appendHex(b, n), mix(dice))
	case 3, 4:
		return appendHex(append(b, "3EB0"...), n)
	default:
		return appendHex(b, n)
	}
}

// appendChat appends where the message belongs: numbers that no one can have, since no area code of theirs starts with 1.
func appendChat(b []byte, dice uint64) []byte {
	who := uint64(pick(dice, 'c', 400))
	switch pick(dice, 'g', 20) {
	case 0:
		return append(appendDecimal(append(b, "1100"...), who, 14), "@g.us"...)
	case 1:
		return append(appendDecimal(append(b, "1100"...), who, 11), "@lid"...)
	default:
		return appendPerson(b, who)
	}
}

// appendPerson appends the chat of one of 400 people.
func appendPerson(b []byte, who uint64) []byte {
	return append(appendDecimal(append(b, "1100"...), 5550000+who, 7), "@c.us"...)
}

// phrase is what the message says, as it stands between the quotes of JSON.
func phrase(dice uint64) string {
	phrases := [...]string{
		"Your parcel is on its way",
		`See you at \"The Bell\" at 7`,
		"Добрый день, заказ готов",
		`back\\slash \/ {brace} [bracket], comma`,
		`two\nlines\tand a tab`,
		"ありがとう 🙏",
		`\u0048i \ud83d\udc4b`,
		"",
	}
	return phrases[pick(dice, 'p', len(phrases))]
}

// pick throws one of n from the dice of a life; each purpose gets a throw of its own.
func pick(dice uint64, purpose rune, n int) int {
	return int(mix(dice^uint64(purpose)) % uint64(n))
}

// newThumbnails makes the base64 out of which each thumbnail is a piece.
func newThumbnails(seed uint64) string {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	noise := make([]byte, 6<<10)
	_, _ = rand.NewChaCha8(key).Read(noise) // never fails
	return base64.StdEncoding.EncodeToString(noise)
}
