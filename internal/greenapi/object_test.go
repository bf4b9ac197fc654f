package greenapi

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// objectMethods returns functions that call the methods whose response is an object, and format the
// result.
func objectMethods() map[string]func(context.Context, *Client) (string, error) {
	return map[string]func(context.Context, *Client) (string, error){
		GetStateInstance: func(ctx context.Context, c *Client) (string, error) {
			state, err := c.State(ctx)
			return string(state), err
		},
		GetMessagesCount: func(ctx context.Context, c *Client) (string, error) {
			n, err := c.QueuedMessages(ctx)
			return fmt.Sprint(n), err
		},
		GetWebhooksCount: func(ctx context.Context, c *Client) (string, error) {
			n, err := c.QueuedNotifications(ctx)
			return fmt.Sprint(n), err
		},
		GetSettings: func(ctx context.Context, c *Client) (string, error) {
			settings, err := c.Settings(ctx)
			var texts []string
			for _, name := range slices.Sorted(maps.Keys(settings.Enabled)) {
				texts = append(texts, fmt.Sprint(name, "=", settings.Enabled[name]))
			}
			if settings.SendDelay.Known {
				texts = append(texts, fmt.Sprint("delay=", settings.SendDelay.Value))
			}
			return strings.Join(texts, " "), err
		},
		GetWaSettings: func(ctx context.Context, c *Client) (string, error) {
			account, err := c.Account(ctx)
			if account.SuspendedUntil.Known {
				return fmt.Sprintf("%s %.0f", account.State, account.SuspendedUntil.Value), err
			}
			return string(account.State), err
		},
	}
}

// TestObjectResponses covers documented, observed and conceivable responses.
func TestObjectResponses(t *testing.T) {
	const private = `"wid":"11005550100@c.us","webhookUrlToken":"secret-of-the-webhook",` +
		`"phone":"11005550100",`
	for _, c := range []struct{ method, body, want string }{
		{GetStateInstance, `{"stateInstance":"authorized"}`, "authorized"},
		{GetStateInstance, "\ufeff \n{ \"stateInstance\" : \"not\\u0041uthorized\" }\n",
			"notAuthorized"},
		{GetStateInstance, `{"stateInstance":"yellowCard","more":[{"stateInstance":"blocked"}]}`,
			"yellowCard"},
		{GetStateInstance, `{"stateInstance":"suspended"}`, "suspended"},
		{GetStateInstance, `{"stateInstance":null}`, "unknown"},
		{GetStateInstance, `{"stateInstance":""}`, "unknown"},
		{GetStateInstance, `{"stateInstance":7}`, "unknown"},
		{GetStateInstance, `{"stateInstance":{"is":"authorized"}}`, "unknown"},
		{GetStateInstance, `{"stateInstance":"Authorized"}`, "other"},
		{GetStateInstance, `{"stateInstance":"quarantined, call 11005550100"}`, "other"},
		{GetMessagesCount, `{"count":0}`, "0"},
		{GetMessagesCount, `{"сount":12}`, "12"},
		{GetMessagesCount, `{"ัount":12}`, "12"},
		{GetMessagesCount, `{"count":"345"}`, "345"},
		{GetMessagesCount, `{"сount":1,"count":2,"account":3}`, "2"},
		{GetMessagesCount, `{"count":null,"сount":1}`, "1"},
		{GetMessagesCount, `{"count":1e3}`, "1000"},
		{GetWebhooksCount, `{"count":6}`, "6"},
		{GetWebhooksCount, `{"сount":6}`, "6"},
		{GetSettings, `{` + private +
			`"outgoingWebhook":"yes","incomingWebhook":"no","typeAccount":"yes"}`,
			"incomingWebhook=false outgoingWebhook=true"},
		{GetSettings,
			`{"delaySendMessagesMilliseconds":1500,"outgoingWebhook":true,"incomingWebhook":null,` +
				`"stateWebhook":"maybe"}`, "delay=1.5"},
		{GetSettings, `{"delaySendMessagesMilliseconds":"15000"}`, "delay=15"},
		{GetSettings, `{"delaySendMessagesMilliseconds":-0}`, "delay=0"},
		{GetSettings, `{"delaySendMessagesMilliseconds":-1,"keepOnlineStatus":"yes"}`,
			"keepOnlineStatus=true"},
		{GetSettings, `{"delaySendMessagesMilliseconds":"soon"}`, ""},
		{GetWaSettings, `{` + private + `"stateInstance":"authorized"}`, "authorized"},
		{GetWaSettings, `{"stateInstance":"suspended","suspendedUntil":1790000000}`,
			"suspended 1790000000"},
		{GetWaSettings, `{"stateInstance":"yellowCard","yellowCardUntil":"1780000000"}`,
			"yellowCard 1780000000"},
		{GetWaSettings,
			`{"stateInstance":"suspended","suspendedUntil":1790000000,` +
				`"yellowCardUntil":1780000000}`, "suspended 1790000000"},
		{GetWaSettings, `{"stateInstance":"suspended","suspendedUntil":null,"yellowCardUntil":0}`,
			"suspended"},
		{GetWaSettings, `{"suspendedUntil":"2026-12-01"}`, "unknown"},
		{GetWaSettings, `{"yellowCardUntil":1780000000}`, "unknown 1780000000"},
		{GetWaSettings, `{"suspendedUntil":1` + strings.Repeat("0", 200) + `,"stateInstance":"` +
			strings.Repeat("x", 200) + `"}`, "other"},
		// As in journals, superfluous commas and invalid strings are accepted.
		{GetStateInstance, `{"stateInstance":"authorized",}`, "authorized"},
		{GetStateInstance, "{,\"wid\":\"a\nb\xff\\ud800\",,\"stateInstance\":\"blocked\"}",
			"blocked"},
		{GetMessagesCount, `{"count":5,"more":[1,{"count":7,},],}`, "5"},
		{GetSettings, `{"outgoingWebhook":"yes",}`, "outgoingWebhook=true"},
		{GetWaSettings, `{"suspendedUntil":99999999999999999999}`, "unknown"},
	} {
		server := serve(t, respond(200, c.body))
		got, err := objectMethods()[c.method](t.Context(), newTestClient(t, server.URL))
		if err != nil || got != c.want {
			t.Errorf("%s %s: got %q, %v; want %q", c.method, c.body, got, err, c.want)
		}
	}
}

func TestStatesAndSettingsMatchTheDocumentation(t *testing.T) {
	advice := map[string]string{ // a word of it
		"authorized": "", "notAuthorized": "QR", "blocked": "banned", "starting": "reboot",
		"yellowCard": "suspended", "suspended": "suspended", "sleepMode": "phone",
		"pendingCode": "login", "pendingPassword": "login",
	}
	for word := range advice {
		state, err := readState(object{"stateInstance": value{'"', word}})
		if err != nil || string(state) != word {
			t.Errorf("%s: got %s, %v", word, state, err)
		}
	}
	advice["unknown"], advice["other"] = "console", "console"
	for state, word := range advice {
		got := State(state).Advice()
		if !strings.Contains(got, word) || (got == "") != (state == "authorized") {
			t.Errorf("%s: advice %q, want one with %q", state, got, word)
		}
	}
	names := strings.Fields(`
		markIncomingMessagesReaded markIncomingMessagesReadedOnReply sharedSession outgoingWebhook
		outgoingMessageWebhook outgoingAPIMessageWebhook incomingWebhook deviceWebhook
		statusInstanceWebhook stateWebhook enableMessagesHistory keepOnlineStatus
		pollMessageWebhook incomingBlockWebhook incomingCallWebhook editedMessageWebhook
		deletedMessageWebhook`)
	for _, name := range names {
		settings, err := readSettings(object{name: value{'"', "no"}})
		if yes, ok := settings.Enabled[name]; err != nil || !ok || yes {
			t.Errorf("%s: got %v, %v", name, settings, err)
		}
	}
	if len(States()) != len(advice) || len(yesNoSettings()) != len(names) {
		t.Errorf("%d states, %d settings", len(States()), len(yesNoSettings()))
	}
}

func TestErrorsDoNotQuoteTheResponse(t *testing.T) {
	for body, want := range map[string]string{
		`[1]`:                 "invalid_response: the body is not an object",
		`{"a":1}7`:            "invalid_response: data after the end at offset 7",
		`{"a":secret}`:        "invalid_response: invalid value at offset 5",
		`{secret}`:            "invalid_response: a key is not a string at offset 1",
		`{"a":1 "b":2}`:       "invalid_response: missing comma at offset 7",
		`{"a":1`:              "invalid_response: the body is truncated at offset 6",
		``:                    "invalid_response: the body is empty",
		`{"secret":1}`:        "invalid_response: the response has no valid count",
		`{"count":-1}`:        "invalid_response: the response has no valid count",
		"\ufeff{\"count\":x}": "invalid_response: invalid value at offset 12",
	} {
		server := serve(t, respond(200, body))
		_, err := newTestClient(t, server.URL).QueuedMessages(t.Context())
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestMembersOfObjectsAreLimited(t *testing.T) {
	var body strings.Builder
	body.WriteByte('{')
	for i := range 50_000 {
		fmt.Fprintf(&body, `"m%d":1,`, i)
	}
	o, err := readObject(strings.NewReader(body.String() + `"count":1}`))
	if err != nil || len(o) != maxMembers {
		t.Errorf("got %d members, %v; want %d", len(o), err, maxMembers)
	}
}

// rotatingToken is a TokenSource that returns another token for each call.
type rotatingToken struct{ tokens []Token }

func (c *rotatingToken) Token() Token {
	token := c.tokens[0]
	c.tokens = c.tokens[1:]
	return token
}

func TestTokenOfTheRequestIsRedacted(t *testing.T) {
	server := serve(t, respond(200, `[{"typeMessage":"`+secret+`"}]`))
	client := newTestClient(t, server.URL)
	client.token = &rotatingToken{[]Token{testToken(t, secret), testToken(t, "new")}}
	if rows, _, err := readOutgoing(t.Context(), client); err != nil || rows[0].Type != "?" {
		t.Errorf("got %v, %v", rows, err)
	}
	client.token = &rotatingToken{[]Token{{}}} // the empty token
	if rows, _, err := readOutgoing(t.Context(), client); err != nil || rows[0].Type != secret {
		t.Errorf("without a token: got %v, %v", rows, err)
	}
}

func TestTokensInResponsesAreRedacted(t *testing.T) {
	for _, word := range []string{secret, strings.ToUpper(secret)} {
		server := serve(t, respond(200,
			`[{"idMessage":"1","typeMessage":"`+word+`","statusMessage":"x`+word+`"},`+
				`{"idMessage":"1","typeMessage":"textMessage","statusMessage":"sent"}]`))
		rows, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
		want := []rowValues{untimed("1", word, ""), untimed("1", "textMessage", "sent")}
		want[0].Type, want[0].Status = "?", "?"
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("%s: got %v, %v; want %v", word, rows, err, want)
		}
	}
}

func TestResponsesOfOtherMethodsAreRejected(t *testing.T) {
	const private = "11005550100"
	failures := map[string]Result{
		`{"code":401,"description":"` + private + `"}`:                         Unauthorized,
		`{"status":false,"reason":"not authorized"}`:                           InstanceLoggedOut,
		`{"status":false,"count":1,"outgoingWebhook":"yes","stateInstance":0}`: BadRequest,
	}
	invalid := []string{
		``, `null`, `[]`, `"yes"`, `7`, `{}`, `<html>` + private, `{"more":"` + private + `"}`,
		`{"count":`, `{"count":1}{"count":1}`, `{"stateInstance":"authorized"`,
	}
	invalidFor := map[string][]string{
		GetMessagesCount: {
			`{"count":-1}`, `{"count":1.5}`, `{"count":"1.5"}`, `{"count":"1e3"}`,
			`{"count":"0x1"}`, `{"count":"Inf"}`, `{"count":""}`, `{"count":"many"}`,
			`{"count":true}`, `{"count":[1]}`, `{"COUNT":1}`, `{"amount":1}`, `{"count":1e300}`,
			`{"count":9007199254740994}`, `{"count":"` + strings.Repeat("0", 200) + `7"}`,
		},
		GetStateInstance: {`{"StateInstance":"authorized"}`, `{"count":1}`},
		GetSettings:      {`{"webhookUrlToken":"` + private + `"}`, `{"count":1}`},
		GetWaSettings:    {`{"phone":"` + private + `"}`, `{"count":1}`},
	}
	for method, call := range objectMethods() {
		results := maps.Clone(failures)
		for _, body := range append(invalidFor[method], invalid...) {
			results[body] = InvalidResponse
		}
		zero := ""
		if strings.HasSuffix(method, "Count") {
			zero = "0"
		}
		for body, want := range results {
			server := serve(t, respond(200, body))
			got, err := call(t.Context(), newTestClient(t, server.URL))
			if ResultOf(err) != want || got != zero {
				t.Errorf("%s %s: got %q, %v; want %s", method, body, got, err, want)
			}
			if err != nil && strings.Contains(err.Error(), private) {
				t.Errorf("%s: the error quotes the response: %v", method, err)
			}
		}
	}
}

func TestEveryMethodRequestsItsURL(t *testing.T) {
	var got string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := newTestClient(t, server.URL+"/v3")
	calls := objectMethods()
	calls[LastOutgoingMessages] = func(ctx context.Context, c *Client) (string, error) {
		_, err := c.OutgoingMessages(ctx, 5)
		return "", err
	}
	calls[LastIncomingMessages] = func(ctx context.Context, c *Client) (string, error) {
		_, err := c.IncomingMessages(ctx, 5)
		return "", err
	}
	if len(calls) != 7 {
		t.Fatalf("%d methods", len(calls))
	}
	for method, call := range calls {
		_, err := call(t.Context(), c)
		want := "GET /v3/waInstance1101000001/" + method + "/" + secret
		if strings.HasPrefix(method, "last") {
			want += "?minutes=5"
		}
		if got != want || ResultOf(err) != ServerError {
			t.Errorf("got %s (%v), want %s", got, err, want)
		}
		assertNoSecret(t, err)
	}
}

func TestBodiesOfObjectsAreLimited(t *testing.T) {
	for _, c := range []struct {
		length int
		want   Result
	}{{maxObject, OK}, {maxObject + 1, TooLarge}, {100 * maxObject, TooLarge}} {
		body := &longObject{left: c.length, head: []byte(`{"count":1,"more":"`)}
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, body) })
		_, err := newTestClient(t, server.URL).QueuedMessages(t.Context())
		server.Close() // the handler has returned
		if ResultOf(err) != c.want {
			t.Errorf("%d bytes: got %v, want %s", c.length, err, c.want)
		}
		if read := c.length - body.left; read > 20*maxObject {
			t.Errorf("read %d of %d bytes", read, c.length)
		}
	}
}

// longObject is a JSON object of the given length.
type longObject struct {
	head []byte
	left int
}

func (l *longObject) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(len(p), l.left)]
	for i := range p {
		switch {
		case len(l.head) > 0:
			p[i], l.head = l.head[0], l.head[1:]
		case l.left == 2:
			p[i] = '"'
		case l.left == 1:
			p[i] = '}'
		default:
			p[i] = 'x'
		}
		l.left--
	}
	return len(p), nil
}

// FuzzReadObject checks that all results are in the closed sets and within the limits.
func FuzzReadObject(f *testing.F) {
	for _, body := range []string{
		`{"stateInstance":"authorized"}`, `{"stateInstance":null}`, `{"count":7}`, `{"сount":"7"}`,
		`{"delaySendMessagesMilliseconds":500,"outgoingWebhook":"yes"}`,
		`{"stateInstance":"suspended","suspendedUntil":1790000000}`,
		`{"status":false,"reason":"expired"}`, `{"code":401}`, `[]`, "\ufeff{}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := readObject(strings.NewReader(string(body)))
		if err != nil {
			if len(err.Error()) > 100 {
				t.Fatalf("the error is too long: %v", err)
			}
			return
		}
		if state, err := readState(o); err == nil && !slices.Contains(States(), state) {
			t.Fatalf("state %q", state)
		}
		if n, err := readCount(o); err == nil && (n < 0 || n > 1<<53) {
			t.Fatalf("count %d", n)
		}
		settings, _ := readSettings(o)
		for name := range settings.Enabled {
			if !slices.Contains(yesNoSettings(), name) {
				t.Fatalf("setting %q", name)
			}
		}
		account, _ := readAccount(o)
		for _, s := range []UnixTime{UnixTime(settings.SendDelay), account.SuspendedUntil} {
			if !(s.Value >= 0 && s.Value <= 1<<53) || !s.Known && s.Value != 0 {
				t.Fatalf("%v seconds", s)
			}
		}
	})
}
