package simulator

import "strings"

// contents are the members of a row that depend on the kind of the message. Members of the quoted
// message have the names of members of the row, but other values.
var contents = [...]template{
	extendedText: newTemplate(`"textMessage":"$text$","extendedTextMessage":{"text":"$text$","description":"","title":"",` +
		`"previewType":"None","jpegThumbnail":"","forwardingScore":0,"isForwarded":false}`),
	text:     newTemplate(`"textMessage":"$text$"`),
	image:    newTemplate(fileHead + `"jpegThumbnail":"$thumbnail$",` + fileTail),
	document: newTemplate(fileHead + `"jpegThumbnail":"$thumbnail$",` + fileTail),
	video:    newTemplate(fileHead + fileTail),
	audio:    newTemplate(fileHead + fileTail),
	quoted: newTemplate(`"extendedTextMessageData":{"text":"$text$"},"quotedMessage":{"stanzaId":"$relatedID$",` +
		`"participant":"$relatedChat$","type":"$oppositeType$","idMessage":"$relatedID$","timestamp":$start$,` +
		`"typeMessage":"$relatedKind$","statusMessage":"read","extendedTextMessage":{"text":"$relatedText$"},` +
		`"isEdited":true,"isDeleted":true}`),
	reaction: newTemplate(`"extendedTextMessageData":{"text":"\ud83d\ude04"},` +
		`"quotedMessage":{"stanzaId":"$relatedID$","participant":"$relatedChat$"}`),
	deleted: newTemplate(`"deletedMessageData":{"stanzaId":"$relatedID$"}`),
	sticker: newTemplate(fileHead + fileTail),
	poll: newTemplate(`"pollMessageData":{"name":"$text$","options":[{"optionName":"Monday"},` +
		`{"optionName":"Never, {really}"},{"optionName":"[]"}],"multipleAnswers":false}`),
	location: newTemplate(`"location":{"nameLocation":"$text$","address":"","latitude":-48.8767,` +
		`"longitude":-1.2345e2,"jpegThumbnail":""}`),
	contact: newTemplate(`"contact":{"displayName":"$text$","vcard":"BEGIN:VCARD\nVERSION:3.0\nTEL:+11005550199\nEND:VCARD"}`),
}

const (
	fileHead = `"downloadUrl":"https://files.example.invalid/$id$","caption":"$text$","fileName":"about \"all\" that.bin",`
	fileTail = `"mimeType":"application/octet-stream","forwardingScore":0,"isForwarded":false`
)

// emptyRows are the rows of incomplete messages. The key is true for received messages.
var emptyRows = map[bool]string{
	false: `{"type":"outgoing","typeMessage":""}`,
	true:  `{"type":"incoming","typeMessage":""}`,
}

// layout is a row without the content, and without the flags after the tail.
type layout struct{ head, tail template }

var (
	outgoingRow = layout{
		newTemplate(`{"type":"outgoing","idMessage":"$id$","timestamp":$time$,"typeMessage":"$kind$","chatId":"$chat$",`),
		newTemplate(`$status$,"sendByApi":$byAPI$`),
	}
	oldRow = layout{
		newTemplate(`{"idMessage":"$id$","timestamp":$time$$status$,"typeMessage":"$kind$","chatId":"$chat$",`), nil,
	}
	incomingRow = layout{
		newTemplate(`{"type":"incoming","idMessage":"$id$","timestamp":$time$,"typeMessage":"$kind$","chatId":"$chat$",`),
		newTemplate(`,"senderId":"$sender$","senderName":"$senderName$","senderContactName":"$contactName$"`),
	}
	deletedFlags = newTemplate(`,"deletedMessageId":"$relatedID$","isDeleted":true`)
	unsetFlags   = newTemplate(`,"deletedMessageId":"","editedMessageId":"","isEdited":false,"isDeleted":false`)
)

// appendRow appends the row of message i.
func (v *journalView) appendRow(b []byte, i int) []byte {
	m := &v.sent[i]
	if m.variant&incomplete != 0 {
		return append(b, emptyRows[v.incoming]...)
	}
	row := outgoingRow
	if v.incoming {
		row = incomingRow
	} else if m.variant&oldOrder != 0 {
		row = oldRow
	}
	b = row.head.append(b, v, i)
	b = contents[m.kind].append(b, v, i)
	b = row.tail.append(b, v, i)
	if m.kind == deleted {
		b = deletedFlags.append(b, v, i)
	} else if m.variant&(oldOrder|withoutFlags) == 0 {
		b = unsetFlags.append(b, v, i)
	}
	return append(b, '}')
}

// template is a JSON text, split into literals and the names of values between them. The simulator
// does not use encoding/json for rows, because strings must keep their escapes.
type template []string

// newTemplate parses a text in which $name$ stands for the value with this name.
func newTemplate(text string) template { return strings.Split(text, "$") }

func (t template) append(b []byte, v *journalView, i int) []byte {
	for n, part := range t {
		if n%2 == 0 {
			b = append(b, part...)
		} else {
			b = v.appendValue(b, part, i)
		}
	}
	return b
}
