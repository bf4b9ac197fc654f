package simulator

import "strings"

// The rows of a journal; journalView.appendValue defines the values.
var (
	outgoingRow = newTemplate(`{"type":"outgoing","idMessage":"$id$","timestamp":$time$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$$status$,"sendByApi":$byAPI$$flags$}`)
	oldRow = newTemplate(`{"idMessage":"$id$","timestamp":$time$$status$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$$flags$}`)
	incomingRow = newTemplate(`{"type":"incoming","idMessage":"$id$","timestamp":$time$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$,$sender$$flags$}`)
	deletedFlags = newTemplate(`,"deletedMessageId":"$related.id$","isDeleted":true`)
	unsetFlags   = newTemplate(`,"deletedMessageId":"","editedMessageId":"","isEdited":false,"isDeleted":false`)
)

// row returns the template of the row of m.
func (v *journalView) row(m *message) template {
	switch {
	case m.variant&incomplete != 0:
		return template{v.emptyRow()}
	case v.incoming:
		return incomingRow
	case m.variant&oldOrder != 0:
		return oldRow
	}
	return outgoingRow
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
