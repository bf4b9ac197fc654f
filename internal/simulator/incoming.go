package simulator

import "bytes"

// senders are made-up people, as JSON: by the name they gave themselves, and by that in the account's contacts, where
// not everyone is.
var senders = [...]struct{ name, contact string }{
	{"Ann Example", "Ann (invented)"},
	{"Bob Placeholder", ""},
	{`Cy \"Sample\" Dummy`, "Cy, {flat} [2]"},
	{"Тест Примеров", "Пример с работы"},
	{"Specimen \U0001F44B", `\u0049nvented \ud83d\ude04`},
	{"", ""},
}

// sender writes who sent a message that was received: in a group one of the people, elsewhere the chat itself.
func sender(o *jsonWriter, dice uint64) {
	var buf [longestID]byte
	id, who := appendChat(buf[:0], dice), pick(dice, 'c', 400)
	if bytes.HasSuffix(id, []byte("@g.us")) {
		who = pick(dice, 's', 400)
		id = appendPerson(buf[:0], uint64(who))
	}
	is := senders[who%len(senders)]
	o.bytes("senderId", id)
	o.str("senderName", is.name)
	o.str("senderContactName", is.contact)
}
