package statuspage

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// luminance returns the relative luminance of a color (WCAG 2).
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	if len(color) == 4 {
		color = string([]byte{'#', color[1], color[1], color[2], color[2], color[3], color[3]})
	}
	value, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(value>>(16-8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestContrast checks the contrast of text and charts in both color schemes (WCAG 2, level AA).
func TestContrast(t *testing.T) {
	light, dark, ok := strings.Cut(pageStyle, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style sheet has no dark scheme")
	}
	pairs := map[string]float64{
		"ink card": 4.5, "ink ground": 4.5, "quiet card": 4.5, "quiet ground": 4.5,
		"link card": 4.5, "link ground": 4.5,
	}
	for _, bar := range []string{"pending", "sent", "delivered", "read", "failure", "other"} {
		pairs[bar+" track"], pairs[bar+" card"] = 1.5, 3
	}
	for s := range severities {
		c := severity(s).Class()
		for _, back := range []string{"card", "ground", c + "-soft"} {
			pairs[c+" "+back] = 4.5
		}
		for _, front := range []string{"ink", "quiet", "link"} {
			pairs[front+" "+c+"-soft"] = 4.5
		}
	}
	color := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`)
	for scheme, sheet := range map[string]string{"light": light, "dark": dark} {
		colors := make(map[string]string)
		for _, match := range color.FindAllStringSubmatch(sheet, -1) {
			colors[match[1]] = match[2]
		}
		for pair, least := range pairs {
			front, back, _ := strings.Cut(pair, " ")
			a, b := luminance(t, colors[front]), luminance(t, colors[back])
			if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < least {
				t.Errorf("%s scheme, %s on %s: contrast %.2f is less than %v",
					scheme, front, back, contrast, least)
			}
		}
	}
}
