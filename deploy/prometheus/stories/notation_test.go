package stories

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// notation formats values for promtool: 1+2x3 means 1 3 5 7, and _x3 means three missing samples. A
// series that ends becomes stale at once.
func notation(values []float64) string {
	var words []string
	for i := 0; i < len(values); {
		n := 1
		if math.IsNaN(values[i]) {
			for i+n < len(values) && math.IsNaN(values[i+n]) {
				n++
			}
			missing := n
			if i > 0 {
				words = append(words, "stale")
				missing--
			}
			if missing > 0 && i+n < len(values) {
				words = append(words, fmt.Sprintf("_x%d", missing))
			}
			i += n
			continue
		}
		step := math.NaN()
		if i+1 < len(values) {
			step = values[i+1] - values[i]
		}
		for i+n < len(values) && values[i+n]-values[i+n-1] == step {
			n++
		}
		switch {
		case n < 3:
			n = 1
			words = append(words, number(values[i]))
		case step == 0:
			words = append(words, fmt.Sprintf("%sx%d", number(values[i]), n-1))
		default:
			words = append(words, fmt.Sprintf("%s%+.0fx%d", number(values[i]), step, n-1))
		}
		i += n
	}
	return strings.Join(words, " ")
}

func number(v float64) string { return fmt.Sprintf("%.0f", v) }

func TestNotation(t *testing.T) {
	none := math.NaN()
	for want, values := range map[string][]float64{
		"0x3":             {0, 0, 0, 0},
		"1+2x3":           {1, 3, 5, 7},
		"9-3x2 5":         {9, 6, 3, 5},
		"1 2 7":           {1, 2, 7},
		"-60+60x2":        {-60, 0, 60},
		"_x2 4x2":         {none, none, 4, 4, 4},
		"1x2 stale _x1 5": {1, 1, 1, none, none, 5},
		"1 stale":         {1, none, none},
	} {
		if got := notation(values); got != want {
			t.Errorf("notation(%v) = %q, want %q", values, got, want)
		}
	}
}
