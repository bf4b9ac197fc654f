package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// appendValue appends the named value of the row of message i. Strings are in JSON, without quotes.
func (v *journalView) appendValue(b []byte, name string, i int) []byte {
	m := &v.sent[i]
	if name, ok := strings.CutPrefix(name, "related."); ok {
		return v.appendValue(b, name, int(m.related))
	}
	switch name {
	case "id":
		return v.appendID(b, i)
	case "time":
		return strconv.AppendInt(b, v.unix(v.timestamp(m)), 10)
	case "start":
		return strconv.AppendInt(b, v.unix(0), 10)
	case "kind":
		return append(b, kinds[m.kind].name...)
	case "chat":
		return appendChat(b, m.seed)
	case "text":
		return append(b, phrase(m.seed)...)
	case "thumbnail":
		start := 4 * choose(m.seed, 't', 512)
		return append(append(b, "/9j/"...), v.thumbnails[start:start+5600+start/16*4]...)
	case "content":
		return kinds[m.kind].content.append(b, v, i)
	case "flags":
		return m.flags().append(b, v, i)
	case "status":
		return v.appendStatus(b, m)
	case "byAPI":
		return strconv.AppendBool(b, m.variant&typedOnPhone == 0)
	case "sender":
		id, n := sender(m.seed)
		name := senderNames[n%len(senderNames)]
		return fmt.Appendf(b, `"senderId":"%s","senderName":"%s","senderContactName":"%s"`,
			id, name.own, name.contact)
	case "oppositeType":
		return append(b, direction(!v.incoming)...)
	}
	panic("simulator: unknown value " + name)
}

func (m *message) flags() template {
	switch {
	case m.kind == deleted:
		return deletedFlags
	case m.variant&(oldOrder|withoutFlags) == 0:
		return unsetFlags
	}
	return nil
}

// appendStatus appends the member with the current status. If a message has no status, the member
// is absent, empty or null.
func (v *journalView) appendStatus(b []byte, m *message) []byte {
	n := m.steps(v.at)
	if n == 0 {
		return b
	}
	status := outcomes[m.outcome].statuses[n-1]
	switch variant := choose(m.seed, 'n', 3); {
	case status != "" || variant == 0:
		return append(append(append(b, `,"statusMessage":"`...), status...), '"')
	case variant == 1:
		return append(b, `,"statusMessage":null`...)
	}
	return b
}

// appendID appends the idMessage of message i. Each form contains 64 bits that are unique to the
// message. The forms differ in length or alphabet. Therefore IDs are unique without duplicateID.
func (v *journalView) appendID(b []byte, i int) []byte {
	m := &v.sent[i]
	if m.variant&duplicateID != 0 {
		i = int(m.related)
		m = &v.sent[i]
	}
	n := hash(uint64(i)) ^ hash(v.cfg.Seed)
	switch choose(m.seed, 'i', 10) {
	case 0:
		return fmt.Appendf(b, "%020d", n)
	case 1, 2:
		return fmt.Appendf(b, "%016X%016X", n, hash(m.seed))
	case 3, 4:
		return fmt.Appendf(b, "3EB0%016X", n)
	default:
		return fmt.Appendf(b, "%016X", n)
	}
}

// appendChat appends a chat ID that cannot exist, because no area code starts with 1.
func appendChat(b []byte, seed uint64) []byte {
	chat := choose(seed, 'c', 400)
	switch choose(seed, 'g', 20) {
	case 0:
		return fmt.Appendf(b, "1100%014d@g.us", chat)
	case 1:
		return fmt.Appendf(b, "1100%011d@lid", chat)
	}
	return appendPerson(b, chat)
}

func appendPerson(b []byte, n int) []byte { return fmt.Appendf(b, "1100%07d@c.us", 5550000+n) }

// sender returns the ID and the number of the sender. In a group, it is a member of the group.
func sender(seed uint64) (id []byte, n int) {
	if choose(seed, 'g', 20) == 0 {
		n = choose(seed, 's', 400)
		return appendPerson(nil, n), n
	}
	return appendChat(nil, seed), choose(seed, 'c', 400)
}

// senderNames are the own names of senders and their names in the account's contacts, in JSON.
var senderNames = [...]struct{ own, contact string }{
	{"Ann Example", "Ann (invented)"},
	{"Bob Placeholder", ""},
	{`Cy \"Sample\" Dummy`, "Cy, {flat} [2]"},
	{"Тест Примеров", "Пример с работы"},
	{"Specimen \U0001F44B", `\u0049nvented \ud83d\ude04`},
	{"", ""},
}

// phrase returns the text of a message in JSON.
func phrase(seed uint64) string {
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
	return phrases[choose(seed, 'p', len(phrases))]
}

// choose returns a number below n that depends on the seed of the message and on the purpose.
func choose(seed uint64, purpose rune, n int) int {
	return int(hash(seed^uint64(purpose)) % uint64(n))
}

// newThumbnails returns random data in base64. Every thumbnail is a part of it.
func newThumbnails(seed uint64) string {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	noise := make([]byte, 6<<10)
	_, _ = rand.NewChaCha8(key).Read(noise) // never fails
	return base64.StdEncoding.EncodeToString(noise)
}
