package greenapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGzipMembers checks that a journal can consist of several gzip members, and that what follows
// the member in which the array ends is ignored.
func TestGzipMembers(t *testing.T) {
	const array = `[{"idMessage":"1","typeMessage":"a"},{"idMessage":"2","typeMessage":"a"}]`
	want := []rowValues{untimed("1", "a", ""), untimed("2", "a", "")}
	// The template rejects this row, so the reader buffers what follows.
	odd := strings.Replace(array, `"1"`, `"\u0031"`, 1)
	corrupt := corruptGzip(10)
	join := func(members ...[]byte) []byte { return slices.Concat(members...) }
	text := func(s string) []byte { return []byte(s) }
	for _, c := range []struct {
		name string
		body []byte
		want Result
	}{
		{"one member", gzipped(array), OK},
		{"white space in the member", gzipped(array + " \n"), OK},
		{"a newline after the member", join(gzipped(array), text("\n")), OK},
		{"a newline, an odd row", join(gzipped(odd), text("\n")), OK},
		{"zeros", join(gzipped(array), make([]byte, 10_000)), OK},
		{"text", join(gzipped(array), text("[] x")), OK},
		{"the start of a member", join(gzipped(array), text("\x1F")), OK},
		{"a truncated member", join(gzipped(array), gzipped("x")[:12]), OK},
		{"a corrupt member", join(gzipped(array), corrupt), OK},
		{"a corrupt member, an odd row", join(gzipped(odd), corrupt), OK},
		{"a member of JSON", join(gzipped(array), gzipped("[]")), OK},
		{"a member of JSON, an odd row", join(gzipped(odd), gzipped("[]")), OK},
		{"two members", join(gzipped(array[:20]), gzipped(array[20:])), OK},
		{"two members and a newline",
			join(gzipped(array[:20]), gzipped(array[20:]), text("\n")), OK},
		{"two members, odd rows", join(gzipped(odd[:14]), gzipped(odd[14:]), corrupt), OK},
		{"empty members", join(gzipped(""), gzipped(array[:40]), gzipped(""), gzipped(""),
			gzipped(array[40:]), gzipped("")), OK},
		{"a member for each byte", memberPerByte(array), OK},

		{"a truncated array", gzipped(array[:20]), InvalidResponse},
		{"a truncated array and a newline", join(gzipped(array[:20]), text("\n")), InvalidResponse},
		{"a truncated array and text", join(gzipped(array[:20]), text(array[20:])),
			InvalidResponse},
		{"a corrupt member in the array", join(gzipped(array[:20]), corrupt), InvalidResponse},
		{"data after the array", gzipped(array + "[]"), InvalidResponse},
		{"data after the array in the second member",
			join(gzipped(array[:20]), gzipped(array[20:]+"x")), InvalidResponse},
		{"no checksum", gzipped(array)[:len(gzipped(array))-8], InvalidResponse},
		{"half a checksum", gzipped(array)[:len(gzipped(array))-4], InvalidResponse},
		{"an empty body", nil, InvalidResponse},
		{"an empty member", gzipped(""), InvalidResponse},
		{"only text", text(array), InvalidResponse},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, gzipResponse(c.body))
			rows, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
			if ResultOf(err) != c.want || c.want == OK && !slices.Equal(rows, want) {
				t.Errorf("got %+v, %v; want %s", rows, err, c.want)
			}
		})
	}
}

func memberPerByte(text string) (body []byte) {
	for _, c := range text {
		body = append(body, gzipped(string(c))...)
	}
	return body
}

func TestGzipMembersOfObjects(t *testing.T) {
	const object = `{"stateInstance":"authorized"}`
	for name, body := range map[string][]byte{
		"a newline":        append(gzipped(object), '\n'),
		"a corrupt member": append(gzipped(object), corruptGzip(10)...),
		"two members":      append(gzipped(object[:10]), gzipped(object[10:])...),
	} {
		server := serve(t, gzipResponse(body))
		state, err := newTestClient(t, server.URL).State(t.Context())
		if err != nil || state != "authorized" {
			t.Errorf("%s: got %q, %v", name, state, err)
		}
	}
	for _, trailing := range []string{"\n", string(gzipped("x"))} {
		body := append(gzipped(`{"code":401}`), trailing...)
		server := serve(t, gzipResponse(body))
		_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
		if ResultOf(err) != Unauthorized {
			t.Errorf("a failure and %q: got %v, want %s", trailing, err, Unauthorized)
		}
	}
}

func TestContentEncodings(t *testing.T) {
	for encoding, want := range map[string]Result{
		"gzip": OK, "GZIP": OK, "x-gzip": OK, "identity": InvalidResponse, "br": InvalidResponse,
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			_, _ = w.Write(gzipped("[]"))
		})
		_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
		if ResultOf(err) != want {
			t.Errorf("%s: got %v, want %s", encoding, err, want)
		}
	}
}

func TestJournalCountsDecompressedBytes(t *testing.T) {
	array := "[" + strings.Repeat(" ", 10_000) + "{}]"
	client := newTestClient(t, serve(t, gzipResponse(gzipped(array))).URL)
	journal, err := client.OutgoingMessages(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	for journal.Next() {
	}
	if got := journal.Bytes(); journal.Err() != nil || got != int64(len(array)) {
		t.Errorf("%d bytes, %v; want %d", got, journal.Err(), len(array))
	}
}

func TestOnResponseCountsDecompressedBytes(t *testing.T) {
	server := serve(t, gzipResponse(append(gzipped("[{},{}]"), '\n')))
	client := newTestClient(t, server.URL)
	var got int64
	client.backend.OnResponse = func(_ string, _ time.Duration, bytes int64) { got += bytes }
	if _, _, err := readOutgoing(t.Context(), client); err != nil || got != 7 {
		t.Errorf("got %d bytes, %v; want 7", got, err)
	}
}
