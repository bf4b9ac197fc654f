package config

import (
	"fmt"
	"strings"
)

// Nearest returns the known word that is most similar to the word, or "" if none is similar. A
// token is not similar to any known word.
func Nearest(word string, known []string) string {
	nearest, least := "", len(word)/3+1
	if len(word) > 64 { // bounds the time
		return ""
	}
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(word), candidate); d < least {
			nearest, least = candidate, d
		}
	}
	return nearest
}

// editDistance returns how many bytes to insert, delete or replace to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // distances of the prefixes of b from the prefix of a
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// unknownWord quotes a word that is not known, if it cannot be a token, and suggests a similar one.
func unknownWord(word string, known []string) string {
	if nearest := Nearest(word, known); nearest != "" {
		return fmt.Sprintf(" %q (did you mean %s?)", word, nearest)
	}
	return quoteShort(word)
}

// quoteShort quotes a word if it cannot be a token: a token is longer or contains digits.
func quoteShort(word string) string {
	if len(word) > 24 || strings.ContainsAny(word, "0123456789") {
		return ""
	}
	return fmt.Sprintf(" %q", word)
}
