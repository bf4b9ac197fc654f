package jsonstream

import (
	"strings"
	"testing"
)

func TestSkipString(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for text, want := range map[string]int{
		`x",`:                    1,
		`\"\\\/\b\f\n\r\t"`:      16,
		`\u00E9\ud83d"`:          12,
		long + `"`:               2000,
		long + `\n` + long + `"`: 4002,
		``:                       0,
		long:                     0,
		`x\`:                     0,
		`\x"`:                    0,
		`\u00g9"`:                0,
		`\u00`:                   0,
	} {
		if got := SkipString([]byte(text+"\x00"), 0); got != want {
			t.Errorf("%.30s: got %d, want %d", text, got, want)
		}
	}
}

func TestSkipNumber(t *testing.T) {
	for text, want := range map[string]int{
		"0,": 1, "-12]": 3, "1.50}": 4, "1e5 ": 3, "1E+05": 5, "-0.1e-7": 7, "01": 1, "12": 2,
		"": 0, "-": 0, "x": 0, "1.": 0, "1.e5": 0, "1e": 0, "1e+": 0, ".5": 0, "+1": 0,
	} {
		if got := SkipNumber([]byte(text+"\x00"), 0); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestPlainEnd(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 72, 73, 80, 1023, 1096, 1097, 5000} {
		plain := strings.Repeat("é", n/2) + strings.Repeat("\x00", n%2)
		for _, rest := range []string{`"`, `\`, `"\`, `\"`, `"` + plain, ``} {
			if got := PlainEnd([]byte(plain+rest+"\x00"), 0); got != n {
				t.Errorf("%d bytes before %.5q: got %d", n, rest, got)
			}
		}
	}
}
