package simulator

import "time"

// The methods that answer a journal.
const (
	outgoingMethod = "lastOutgoingMessages"
	incomingMethod = "lastIncomingMessages"
)

// objectMethods are the methods that answer an object, each with what writes the members that it has at a time.
var objectMethods = map[string]func(*Simulator, *jsonWriter, time.Time){
	"getStateInstance": (*Simulator).writeState,
	"getMessagesCount": func(s *Simulator, o *jsonWriter, now time.Time) { s.writeCount(o, s.Queued(now)) },
	"getWebhooksCount": func(s *Simulator, o *jsonWriter, now time.Time) { s.writeCount(o, s.Webhooks(now)) },
	"getSettings":      (*Simulator).writeSettings,
	"getWaSettings":    (*Simulator).writeWaSettings,
}

func isJournal(method string) bool { return method == outgoingMethod || method == incomingMethod }

func isMethod(method string) bool { return isJournal(method) || objectMethods[method] != nil }

// methods lists all that are served.
func methods() []string {
	list := []string{outgoingMethod, incomingMethod}
	for method := range objectMethods {
		list = append(list, method)
	}
	return list
}

// body is what the method answers when all is well. The minutes are for the journals.
func (s *Simulator) body(c call, minutes int64) body {
	switch c.method {
	case outgoingMethod:
		return s.page(s.outgoing, c.now, minutes).body()
	case incomingMethod:
		return s.page(s.incoming, c.now, minutes).body()
	}
	o := jsonWriter{b: []byte("{")}
	objectMethods[c.method](s, &o, c.now)
	o.close()
	return small(o.b)
}
