package config

import (
	"strings"
	"testing"
)

func TestSimilarWordsAreSuggested(t *testing.T) {
	known := []string{"outgoing", "state", "queue", "webhooks", "settings", "account", "incoming"}
	for word, want := range map[string]string{
		"incomming": "incoming", "incoming": "incoming", "Incoming": "incoming",
		"incomin": "incoming",
		"setting": "settings", "qeue": "queue", "stats": "state", "webhook": "webhooks",
		"": "", "x": "", "journal": "", "messages": "", secret: "", "stat" + secret: "",
		strings.Repeat("incoming", 1000): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%.60s: got %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
		{"minuets", "minutes", 2}, {"flaw", "lawn", 2},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
