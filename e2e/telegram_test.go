package e2e

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	botToken     = "123456:not-a-real-token"
	chatID       = "-1001234567890"
	smtpPassword = "not-a-real-password"
)

// The texts of notifications, by the number of instances that are logged out.
const (
	textOf1 = `🔴 WhatsApp has logged out instance 1101000001.

No message is sent until the QR code in the console is scanned with the account's phone.

More: https://docs.example.com/docs/runbook-messages.md#greenapiloggedout`

	textOf25 = textOf1 + `

Also affected (24): 1101000002, 1101000003, 1101000004, 1101000005, 1101000006, 1101000007, ` +
		`1101000008, 1101000009, 1101000010, 1101000011, 1101000012, 1101000013, 1101000014, ` +
		`1101000015, 1101000016, 1101000017, 1101000018, 1101000019, 1101000020, 1101000021, …`

	textOf2 = textOf1 + `

Also affected (1): 1101000002

✅ Resolved (23): 1101000003, 1101000004, 1101000005, 1101000006, 1101000007, 1101000008, ` +
		`1101000009, 1101000010, 1101000011, 1101000012, 1101000013, 1101000014, 1101000015, ` +
		`1101000016, 1101000017, 1101000018, 1101000019, 1101000020, 1101000021, 1101000022, …`

	textOf0 = `✅ Resolved: WhatsApp has logged out instance 1101000001.

Also resolved (1): 1101000002`
)

// TestNotificationsReachTelegramAndEmail sends alerts of the shipped rules through the shipped
// configuration of Alertmanager. Watchdog must reach the heartbeat service. The test changes only
// addresses, paths and durations. It sets the address of the documentation, so that the messages
// contain links instead of paths.
func TestNotificationsReachTelegramAndEmail(t *testing.T) {
	useCore(t)
	const speed = 240
	telegram := make(chan string, 100)
	emails := make(chan email, 100)
	api := httptest.NewServer(fakeTelegram(t, telegram))
	defer api.Close()
	smarthost, ca := startFakeSMTP(t, emails)
	beats := make(chan string, 1000)
	heartbeat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ GroupLabels map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		beats <- message.GroupLabels["alertname"]
	}))
	defer heartbeat.Close()
	template, err := filepath.Abs("../deploy/compose/greenapi.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	config := shippedAlertmanager(t, speed,
		"secrets/telegram_token", write(t, "telegram_token", botToken+"\n"),
		"secrets/telegram_chat_id", write(t, "telegram_chat_id", chatID+"\n"),
		"secrets/smtp_password", write(t, "smtp_password", smtpPassword+"\n"),
		"smtp.example.com:587", smarthost,
		"secrets/heartbeat_url", write(t, "heartbeat_url", heartbeat.URL+"\n"),
		"# webhook_configs:", "webhook_configs:",
		"greenapi.tmpl", template,
		"receiver: none", "receiver: telegram-and-email")
	config["global"] = object{
		"telegram_api_url": api.URL, "smtp_tls_config": object{"ca_file": ca},
	}
	alertmanager := startAlertmanager(t, toYAML(t, config))

	var loggedOut atomic.Int32 // the number of instances
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintln(w, "greenapi_exporter_build_info 1")
		for n := range loggedOut.Load() {
			fmt.Fprintf(w, "greenapi_collector_failing{id_instance=\"%d\",collector=\"outgoing\","+
				"result=\"instance_logged_out\"} 1\n", 1101000001+n)
		}
	}))
	defer exporter.Close()
	interval := faster(t, "1m", speed)
	startPrometheus(t, toYAML(t, object{
		"global":     object{"scrape_interval": interval, "evaluation_interval": interval},
		"rule_files": list{linkedRules(t, speed)},
		"alerting":   alertingConfig(alertmanager),
		"scrape_configs": list{object{
			"job_name": "greenapi",
			"static_configs": list{object{
				"targets": list{strings.TrimPrefix(exporter.URL, "http://")},
			}},
		}},
	}))

	for _, step := range []struct {
		loggedOut     int32
		text, subject string
	}{
		{1, textOf1, "WhatsApp has logged out instance 1101000001."},
		{25, textOf25, "WhatsApp has logged out instance 1101000001. And 24 more."},
		{2, textOf2, "WhatsApp has logged out instance 1101000001. And 1 more."},
		{0, textOf0, "Resolved: WhatsApp has logged out instance 1101000001. And 1 more."},
	} {
		loggedOut.Store(step.loggedOut)
		await(t, beats, "Watchdog")
		await(t, telegram, step.text)
		await(t, emails, email{"you@example.com", step.subject, step.text})
	}
}

// linkedRules returns the path of the faster rules with the address of the documentation.
func linkedRules(t *testing.T, by int64) string {
	t.Helper()
	path := changedRules(t, "url: ", "https://exporter.example.com", "https://docs.example.com")
	return fasterRulesOf(t, path, by)
}

// changedRules runs the commands in docs/alerts.md that contain text on a copy of the shipped
// rules, and returns its path. In the commands, it replaces the pairs of strings.
func changedRules(t *testing.T, text string, replace ...string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "greenapi.rules.yml", string(rules))
	shell(t, guide(page).commands(t, text, replace...), "", filepath.Dir(path), "")
	return path
}

// await waits for a message. Alertmanager can notify while it receives the alerts of a step, so
// there can be other messages before it.
func await[M comparable](t *testing.T, messages <-chan M, want M) {
	t.Helper()
	timeout := time.After(patience)
	var others []any
	for {
		select {
		case got := <-messages:
			if got == want {
				return
			}
			others = append(others, got)
		case <-timeout:
			t.Fatalf("got the messages %q, want %q", others, any(want))
		}
	}
}

// fakeTelegram returns Telegram's API for one bot, which has received a message in one chat. The
// handler sends the texts of messages to a channel.
func fakeTelegram(t *testing.T, texts chan<- string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected request for %s", r.URL.Path)
		http.NotFound(w, r)
	})
	const bot = "/bot" + botToken
	mux.HandleFunc("GET "+bot+"/getUpdates", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"ok":true,"result":[{"update_id":1,"message":{"message_id":1,`+
			`"from":{"id":5,"is_bot":false},"chat":{"id":`+chatID+`,"type":"group"},"date":1}}]}`)
	})
	mux.HandleFunc("POST "+bot+"/sendMessage", func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			ChatID    string `json:"chat_id"`
			ParseMode string `json:"parse_mode"`
			Text      string
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		if message.ChatID != chatID {
			t.Errorf("message to the chat %q", message.ChatID)
		}
		if message.ParseMode != "" { // the text would have to be escaped
			t.Errorf("parse_mode is %q", message.ParseMode)
		}
		fmt.Fprint(w, `{"ok": true, "result": {"message_id": 1, "chat": {"id": 1}}}`)
		texts <- message.Text
	})
	return mux
}

// email contains the fields of an e-mail that the test compares.
type email struct{ to, subject, text string }

// startFakeSMTP starts a mail server that requires TLS and a password. It returns its address and
// the file with its certificate, and sends the e-mails to a channel.
func startFakeSMTP(t *testing.T, emails chan<- email) (address, ca string) {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &smtpSession{t: t, emails: emails}, nil
	}))
	server.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}
	return listener.Addr().String(), write(t, "ca.pem", string(pem.EncodeToMemory(block)))
}

// smtpSession is a connection to the mail server.
type smtpSession struct {
	t      *testing.T
	emails chan<- email
	authed bool
	to     []string
}

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "shop@example.com" || password != smtpPassword {
			return errors.New("wrong user or password")
		}
		s.authed = true
		return nil
	}), nil
}

func (s *smtpSession) Mail(string, *smtp.MailOptions) error {
	if !s.authed {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	got, err := parseEmail(r)
	if err != nil {
		s.t.Error(err)
	}
	got.to = strings.Join(s.to, ",")
	s.emails <- got
	return nil
}

func (s *smtpSession) Reset()        { s.to = nil }
func (s *smtpSession) Logout() error { return nil }

// parseEmail returns the subject and the text of an e-mail that consists of one plain text.
func parseEmail(r io.Reader) (email, error) {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return email{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return email{}, err
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return email{}, err
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	part, err := parts.NextRawPart()
	if err != nil {
		return email{}, err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		return email{}, err
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		return email{}, fmt.Errorf("the e-mail has more than one part: %v", err)
	}
	return email{subject: subject, text: strings.ReplaceAll(string(text), "\r\n", "\n")}, nil
}
