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
		URL: DefaultURL, Minutes: 1440, Timeout: 30 * time.Second, MinInterval: time.Second, Retention: 360 * time.Hour,
	}}
}

func TestValidate(t *testing.T) {
	f := validFlags()
	i, err := f.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	if i.URL().String() != DefaultURL || i.ID() != "1101000001" || i.Minutes() != 1440 || i.Timeout() != 30*time.Second ||
		i.MinInterval() != time.Second || i.Retention() != 360*time.Hour || i.MaxMinutes() != 336*60 {
		t.Errorf("got %+v", i)
	}
}

func TestURLs(t *testing.T) {
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
		t.Errorf("http where it is allowed: %v", err)
	}
}

func TestValidateRefuses(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Flags)
		says  string // something that helps
	}{
		"no instance":               {func(f *Flags) { f.IDInstance = "" }, "GREENAPI_ID_INSTANCE"},
		"an instance of letters":    {func(f *Flags) { f.IDInstance = "11010x" }, "digits"},
		"an endless instance":       {func(f *Flags) { f.IDInstance = strings.Repeat("1", 33) }, "digits"},
		"an instance with a path":   {func(f *Flags) { f.IDInstance = "1/../2" }, "digits"},
		"no token":                  {func(f *Flags) { f.Token = "" }, "GREENAPI_API_TOKEN_INSTANCE"},
		"a token of two words":      {func(f *Flags) { f.Token = secret + " " + secret }, "copy it again"},
		"a token given twice":       {func(f *Flags) { f.TokenFile = empty }, "twice"},
		"an empty token file":       {func(f *Flags) { f.Token, f.TokenFile = "", empty }, "empty"},
		"a missing token file":      {func(f *Flags) { f.Token, f.TokenFile = "", filepath.Join(dir, "absent") }, "--greenapi.token-file"},
		"a directory as token file": {func(f *Flags) { f.Token, f.TokenFile = "", dir }, "directory"},
		"no URL":                    {func(f *Flags) { f.URL = "" }, "https://api.green-api.com"},
		"a URL without scheme":      {func(f *Flags) { f.URL = "api.green-api.com/" + secret }, "must begin with https://"},
		"a URL without host":        {func(f *Flags) { f.URL = "https:///" + secret }, "must begin with https://"},
		"a URL of another scheme":   {func(f *Flags) { f.URL = "ftp://api.green-api.com/" + secret }, "https://"},
		"a URL that is none":        {func(f *Flags) { f.URL = "https://a b/" + secret }, "must begin with https://"},
		"a URL without port":        {func(f *Flags) { f.URL = "https://a:/" + secret }, "port"},
		"a URL with port 0":         {func(f *Flags) { f.URL = "https://a:0/" + secret }, "port"},
		"a URL with a port too far": {func(f *Flags) { f.URL = "https://a:65536/" + secret }, "port"},
		"the token as its file":     {func(f *Flags) { f.Token, f.TokenFile = "", secret }, "--greenapi.token-file"},
		"a request in lower case":   {func(f *Flags) { f.URL = "https://a/wainstance1/x/" + secret }, "/waInstance"},
		"an endless retention":      {func(f *Flags) { f.Retention = 1193047 * time.Hour }, "at most 175200h"},
		"a whole request":           {func(f *Flags) { f.URL = "https://a.example/waInstance1101000001/getSettings/" + secret }, "/waInstance"},
		"a URL with a user":         {func(f *Flags) { f.URL = "https://user:" + secret + "@a.example" }, "user"},
		"a URL with a query":        {func(f *Flags) { f.URL = "https://a.example?token=" + secret }, "query"},
		"a URL with a fragment":     {func(f *Flags) { f.URL = "https://a.example#" + secret }, "fragment"},
		"http to another host":      {func(f *Flags) { f.URL = "http://a.example/" + secret }, "--greenapi.insecure-http"},
		"http to a look-alike":      {func(f *Flags) { f.URL = "http://localhost.a.example" }, "--greenapi.insecure-http"},
		"no minutes":                {func(f *Flags) { f.Minutes = 0 }, "--greenapi.minutes"},
		"negative minutes":          {func(f *Flags) { f.Minutes = -5 }, "--greenapi.minutes"},
		"endless minutes":           {func(f *Flags) { f.Minutes = 1 << 62 }, "--greenapi.minutes"},
		"no timeout":                {func(f *Flags) { f.Timeout = 0 }, "--greenapi.timeout"},
		"a negative interval":       {func(f *Flags) { f.MinInterval = -1 }, "--greenapi.min-interval"},
		"a short retention":         {func(f *Flags) { f.Retention = 48*time.Hour - 1 }, "at least 48h"},
		"a long window":             {func(f *Flags) { f.Minutes = 26300 }, "462h20m"},
	} {
		t.Run(name, func(t *testing.T) {
			f := validFlags()
			c.spoil(&f)
			_, err := f.Validate(log.NewNopLogger())
			if err == nil {
				t.Fatal("it is valid")
			}
			if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, secret) || strings.Contains(text, "\n") {
				t.Errorf("got %q, want one line with %q and without the token", text, c.says)
			}
		})
	}
}
