package simulator

import "strings"

// Rows of a journal and their parts. journalView.appendValue returns the values.
var (
	outgoingRow = newTemplate(`{"type":"outgoing","idMessage":"$id$","timestamp":$time$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$$status$,"sendByApi":$byAPI$$flags$}`)
	oldRow = newTemplate(`{"idMessage":"$id$","timestamp":$time$$status$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$$flags$}`)
	incomingRow = newTemplate(`{"type":"incoming","idMessage":"$id$","timestamp":$time$,` +
		`"typeMessage":"$kind$","chatId":"$chat$",$content$,$sender$$flags$}`)
	deletedFlags = newTemplate(`,"deletedMessageId":"$related.id$","isDeleted":true`)
	unsetFlags   = newTemplate(`,"deletedMessageId":"","editedMessageId":"",` +
		`"isEdited":false,"isDeleted":false`)
)

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

// template is a JSON text that alternates between literals and names of values. Rows do not use
// encoding/json, because their strings contain specific escapes, and because benchmarks of the
// exporter need fast answers.
type template []string

// newTemplate parses a text in which $name$ is replaced with the value of that name.
func newTemplate(text string) template { return strings.Split(text, "$") }

// append appends the text with the values of message i.
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
