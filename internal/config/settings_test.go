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
		Retention: 360 * time.Hour,
	}}
}

func TestFlagsDescribeAnInstance(t *testing.T) {
	f := validFlags()
	i, err := f.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	if i.URL().String() != DefaultURL || i.ID() != "1101000001" || i.Minutes() != 1440 ||
		i.Timeout() != 30*time.Second || i.MinInterval() != time.Second ||
		i.Retention() != 360*time.Hour || i.MaxMinutes() != 336*60 {
		t.Errorf("got %+v", i)
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

// TestInvalidFlagsAreRejected with an error of one line that does not contain the token.
func TestInvalidFlagsAreRejected(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Flags)
		want   string // in the error
	}{
		"no id":                         {func(f *Flags) { f.IDInstance = "" }, "GREENAPI_ID_INSTANCE"},
		"id of letters":                 {func(f *Flags) { f.IDInstance = "11010x" }, "digits"},
		"id too long":                   {func(f *Flags) { f.IDInstance = strings.Repeat("1", 33) }, "digits"},
		"id with a path":                {func(f *Flags) { f.IDInstance = "1/../2" }, "digits"},
		"no token":                      {func(f *Flags) { f.Token = "" }, "GREENAPI_API_TOKEN_INSTANCE"},
		"two tokens in one value":       {func(f *Flags) { f.Token = secret + " " + secret }, "copy it again"},
		"token and token file":          {func(f *Flags) { f.TokenFile = empty }, "twice"},
		"empty token file":              {func(f *Flags) { f.Token, f.TokenFile = "", empty }, "empty"},
		"missing token file":            {func(f *Flags) { f.Token, f.TokenFile = "", filepath.Join(dir, "absent") }, "--greenapi.token-file"},
		"token file is a directory":     {func(f *Flags) { f.Token, f.TokenFile = "", dir }, "directory"},
		"no URL":                        {func(f *Flags) { f.URL = "" }, "https://api.green-api.com"},
		"URL without scheme":            {func(f *Flags) { f.URL = "api.green-api.com/" + secret }, "must begin with https://"},
		"URL without host":              {func(f *Flags) { f.URL = "https:///" + secret }, "must begin with https://"},
		"URL with another scheme":       {func(f *Flags) { f.URL = "ftp://api.green-api.com/" + secret }, "https://"},
		"malformed URL":                 {func(f *Flags) { f.URL = "https://a b/" + secret }, "must begin with https://"},
		"URL with an empty port":        {func(f *Flags) { f.URL = "https://a:/" + secret }, "port"},
		"URL with port 0":               {func(f *Flags) { f.URL = "https://a:0/" + secret }, "port"},
		"URL with port 65536":           {func(f *Flags) { f.URL = "https://a:65536/" + secret }, "port"},
		"token as token file":           {func(f *Flags) { f.Token, f.TokenFile = "", secret }, "--greenapi.token-file"},
		"request URL in lower case":     {func(f *Flags) { f.URL = "https://a/wainstance1/x/" + secret }, "/waInstance"},
		"retention too long":            {func(f *Flags) { f.Retention = 1193047 * time.Hour }, "at most 175200h"},
		"request URL":                   {func(f *Flags) { f.URL = "https://a.example/waInstance1101000001/getSettings/" + secret }, "/waInstance"},
		"URL with a user":               {func(f *Flags) { f.URL = "https://user:" + secret + "@a.example" }, "user"},
		"URL with a query":              {func(f *Flags) { f.URL = "https://a.example?token=" + secret }, "query"},
		"URL with a fragment":           {func(f *Flags) { f.URL = "https://a.example#" + secret }, "fragment"},
		"http to another host":          {func(f *Flags) { f.URL = "http://a.example/" + secret }, "--greenapi.insecure-http"},
		"http to a host like localhost": {func(f *Flags) { f.URL = "http://localhost.a.example" }, "--greenapi.insecure-http"},
		"no minutes":                    {func(f *Flags) { f.Minutes = 0 }, "--greenapi.minutes"},
		"negative minutes":              {func(f *Flags) { f.Minutes = -5 }, "--greenapi.minutes"},
		"too many minutes":              {func(f *Flags) { f.Minutes = 1 << 62 }, "--greenapi.minutes"},
		"no timeout":                    {func(f *Flags) { f.Timeout = 0 }, "--greenapi.timeout"},
		"negative interval":             {func(f *Flags) { f.MinInterval = -1 }, "--greenapi.min-interval"},
		"retention too short":           {func(f *Flags) { f.Retention = 48*time.Hour - 1 }, "at least 48h"},
		"window too long for retention": {func(f *Flags) { f.Minutes = 26300 }, "462h20m"},
	} {
		t.Run(name, func(t *testing.T) {
			f := validFlags()
			c.change(&f)
			_, err := f.Validate(log.NewNopLogger())
			if err == nil {
				t.Fatal("the flags are valid")
			}
			text := err.Error()
			oneLine := !strings.Contains(text, "\n")
			if !strings.Contains(text, c.want) || !oneLine || strings.Contains(text, secret) {
				t.Errorf("got %q, want one line with %q and without the token", text, c.want)
			}
		})
	}
}
