package app

import (
	"strings"
	"testing"
)

func TestInvalidProxiesAreRejected(t *testing.T) {
	names := []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
	for _, name := range names {
		t.Setenv(name, "")
	}
	for value, valid := range map[string]bool{
		"http://proxy:3128":                    true,
		"http://proxy:3128/":                   true,
		"HTTP://proxy":                         true,
		"https://user:pass%25@proxy":           true,
		"socks5://127.0.0.1:1080":              true,
		"socks5h://[::1]:1080":                 true,
		"http://[::1]":                         true,
		"proxy":                                true,
		"proxy:3128":                           true,
		"user:pass@proxy:3128":                 true,
		"http://user:pa%zz@127.0.0.1:3128":     false,
		"user:pa%zz@127.0.0.1:3128":            false,
		"http://user:pa ss@proxy:3128":         false,
		"http://user:pa#ss@proxy:3128":         false,
		"http://user:pa/ss@proxy:3128":         false,
		"http://user:pa\nss@proxy:3128":        false,
		"http://proxy:port":                    false,
		"http://proxy:0":                       false,
		"http://proxy:65536":                   false,
		"http://proxy:":                        false,
		"http://[::1":                          false,
		"http://":                              false,
		"http:///proxy":                        false,
		"http:/proxy:3128":                     false,
		"http:proxy:3128":                      false,
		"://proxy:3128":                        false,
		":3128":                                false,
		" http://proxy:3128":                   false,
		"'http://proxy:3128'":                  false,
		"ftp://proxy:21":                       false,
		"socks://proxy:1080":                   false,
		"socks4://proxy:1080":                  false,
		"file:///etc/proxy":                    false,
		"http://user:secret%@proxy.example:31": false,
	} {
		for _, name := range names {
			t.Setenv(name, value)
			err := checkProxies()
			if (err == nil) != valid {
				t.Errorf("%s=%q: %v", name, value, err)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), name+" ") ||
				len(value) > 8 && strings.Contains(err.Error(), value) ||
				strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s=%q: %v", name, value, err)
			}
			t.Setenv(name, "")
		}
	}
}
