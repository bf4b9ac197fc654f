package simulator

// longestID is at least as long as any id of a message or a chat: what of them is made on the way into a row needs no
// memory of its own, since a server of many accounts writes hundreds of thousands of rows a second.
const longestID = 40

// appendDecimal appends n in at least the given number of digits, at most 20.
func appendDecimal(b []byte, n uint64, digits int) []byte {
	var text [20]byte
	at := len(text)
	for n > 0 || at > len(text)-digits {
		at--
		text[at] = byte('0' + n%10)
		n /= 10
	}
	return append(b, text[at:]...)
}

// appendHex appends all 16 digits of n.
func appendHex(b []byte, n uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789ABCDEF"[n>>shift&15])
	}
	return b
}
