package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
)

const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

func validFlags() Flags {
	return Flags{IDInstance: "1101000001", Token: secret, Settings: Settings{
		URL: DefaultURL, Minutes: 1440, Timeout: 30 * time.Second, MinInterval: time.Second,
		Lookback: Full, Retention: 360 * time.Hour,
	}}
}

func TestFlagsConfigureInstance(t *testing.T) {
	i, err := validFlags().Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	if i.URL().String() != DefaultURL || i.ID() != "1101000001" || i.Minutes() != 1440 ||
		i.Timeout() != 30*time.Second || i.MinInterval() != time.Second ||
		i.Retention() != 360*time.Hour || i.MaxMinutes() != 336*60 {
		t.Errorf("got %+v", i)
	}
}

func TestLookback(t *testing.T) {
	for lookback, tiered := range map[string]bool{Full: false, Tiered: true} {
		f := validFlags()
		f.Lookback = lookback
		if i, err := f.Validate(log.NewNopLogger()); err != nil || i.Tiered() != tiered {
			t.Errorf("%s: got %t, %v", lookback, i.Tiered(), err)
		}
	}
}

func TestURLsAreNormalized(t *testing.T) {
	for text, want := range map[string]string{
		"https://7105.api.greenapi.com/":    "https://7105.api.greenapi.com",
		"https://3100.api.green-api.com/v3": "https://3100.api.green-api.com/v3",
		"https://a.example/v3//":            "https://a.example/v3",
		" https://a.example:8443 ":          "https://a.example:8443",
		"http://localhost:8080":             "http://localhost:8080",
		"http://127.0.0.1":                  "http://127.0.0.1",
		"http://127.8.9.1:80":               "http://127.8.9.1:80",
		"http://[::1]:80":                   "http://[::1]:80",
		"HTTPS://a.example":                 "https://a.example",
		"https://4100.api.green-api.com":    "https://4100.api.green-api.com",
		"https://console.a.example/partner": "https://console.a.example/partner",
	} {
		f := validFlags()
		f.URL = text
		if i, err := f.Validate(log.NewNopLogger()); err != nil || i.URL().String() != want {
			t.Errorf("%q: got %v, %v; want %s", text, i.URL(), err, want)
		}
	}
	f := validFlags()
	f.URL, f.InsecureHTTP = "http://a.example", true
	if _, err := f.Validate(log.NewNopLogger()); err != nil {
		t.Errorf("http with InsecureHTTP: %v", err)
	}
}

func TestInvalidURLsAreRejected(t *testing.T) {
	for url, want := range map[string]string{
		"":                                  DefaultURL,
		"api.green-api.com/" + secret:       "must begin with https://",
		"https:///" + secret:                "must begin with https://",
		"ftp://api.green-api.com/" + secret: "must begin with https://",
		"https://a b/" + secret:             "must begin with https://",
		"https://a:/" + secret:              "port",
		"https://a:0/" + secret:             "port",
		"https://a:65536/" + secret:         "port",
		"https://a/waInstance1/x/" + secret: "/waInstance",
		"https://a/wainstance1/x/" + secret: "/waInstance",
		"https://api.green-api.com/partner/getInstances/gac.1":  "/partner",
		"https://console.green-api.com/instanceList/1101000001": "console",
		"https://console.greenapi.com":                          "console",
		"http://CONSOLE.green-api.com/":                         "console",
		"https://green-api.com/en/docs/":                        "website",
		"https://www.green-api.com":                             "website",
		"https://media.green-api.com":                           "media",
		"https://7105.media.greenapi.com":                       "media",
		"https://api.green-api.com/v3/" + secret:                "must not contain the token",
		"https://user:" + secret + "@a.example":                 "user",
		"https://a.example?token=" + secret:                     "query",
		"https://a.example#" + secret:                           "fragment",
		"http://a.example/" + secret:                            "--greenapi.insecure-http",
		"http://localhost.a.example":                            "--greenapi.insecure-http",
	} {
		f := validFlags()
		f.URL = url
		wantError(t, url, f, want)
	}
}

func TestInvalidFlagsAreRejected(t *testing.T) {
	dir := t.TempDir()
	empty, absent := filepath.Join(dir, "empty"), filepath.Join(dir, "absent")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	useFile := func(path string) func(*Flags) {
		return func(f *Flags) { f.Token, f.TokenFile = "", path }
	}
	for _, c := range []struct {
		name   string
		change func(*Flags)
		want   string // in the error
	}{
		{"no id", func(f *Flags) { f.IDInstance = "" }, "GREENAPI_ID_INSTANCE"},
		{"id with a space", func(f *Flags) { f.IDInstance = "1101000001 " }, "without spaces"},
		{"negative id", func(f *Flags) { f.IDInstance = "-1101000001" }, "a sign"},
		{"fractional id", func(f *Flags) { f.IDInstance = "1101000001.0" }, "a fraction"},
		{"token as id", func(f *Flags) { f.IDInstance = secret }, "digits"},
		{"id with a letter", func(f *Flags) { f.IDInstance = "11010x" }, "digits"},
		{"id too long", func(f *Flags) { f.IDInstance = strings.Repeat("1", 33) }, "digits"},
		{"id with a path", func(f *Flags) { f.IDInstance = "1/../2" }, "digits"},

		{"no token", func(f *Flags) { f.Token = "" }, "GREENAPI_API_TOKEN_INSTANCE"},
		{"two tokens", func(f *Flags) { f.Token = secret + " " + secret }, "copy it again"},
		{"token and token file", func(f *Flags) { f.TokenFile = empty }, "has two tokens"},
		{"empty token file", useFile(empty), "empty"},
		{"missing token file", useFile(absent), "--greenapi.token-file"},
		{"directory as token file", useFile(dir), "directory"},
		{"token as token file", useFile(secret), "--greenapi.token-file"},

		{"zero minutes", func(f *Flags) { f.Minutes = 0 }, "--greenapi.minutes"},
		{"negative minutes", func(f *Flags) { f.Minutes = -5 }, "--greenapi.minutes"},
		{"too many minutes", func(f *Flags) { f.Minutes = 1 << 62 }, "--greenapi.minutes"},
		{"zero timeout", func(f *Flags) { f.Timeout = 0 }, "--greenapi.timeout"},
		{"negative interval", func(f *Flags) { f.MinInterval = -1 }, "--greenapi.min-interval"},
		{"retention too short", func(f *Flags) { f.Retention = 48*time.Hour - 1 }, "at least 2d"},
		{"retention too long", func(f *Flags) { f.Retention = 1193047 * time.Hour },
			"it must be at most 10y"},
		{"retention overflows", func(f *Flags) { f.Retention = 1<<63 - 1 }, "at most 10y"},
		{"timeout too long", func(f *Flags) { f.Timeout = time.Hour + 1 }, "at most 1h"},
		{"timeout overflows", func(f *Flags) { f.Timeout = 1<<63 - 1 }, "at most 1h"},
		{"interval too long", func(f *Flags) { f.MinInterval = 24*time.Hour + 1 }, "to 1d"},
		{"window of ten years", func(f *Flags) {
			f.Minutes, f.Retention = 87600*60, 87600*time.Hour
		}, "from 1 to 5254560"},
		{"no lookback", func(f *Flags) { f.Lookback = "" }, "--greenapi.lookback"},
		{"token as lookback", func(f *Flags) { f.Lookback = secret }, "must be full or tiered"},
		{"window too long for retention", func(f *Flags) { f.Minutes = 26300 }, "19d6h20m"},
	} {
		f := validFlags()
		c.change(&f)
		wantError(t, c.name, f, c.want)
	}
}

// wantError checks that the flags are rejected with one line that does not contain the token.
func wantError(t *testing.T, name string, f Flags, want string) {
	t.Helper()
	_, err := f.Validate(log.NewNopLogger())
	if err == nil {
		t.Errorf("%s: the flags are valid", name)
		return
	}
	text := err.Error()
	oneLine := !strings.Contains(text, "\n")
	if !strings.Contains(text, want) || !oneLine || strings.Contains(text, secret) {
		t.Errorf("%s: got %q, want one line with %q and without the token", name, text, want)
	}
}
