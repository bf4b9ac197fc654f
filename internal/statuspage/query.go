package statuspage

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"greenapi_exporter/internal/greenapi"
)

// onePage is the parameter of / that picks an instance; it is named as the label.
const onePage = "id_instance"

// query is what the parameters of / ask for: one instance, or those of the list that all the others pick.
type query struct {
	ID      string
	Search  string // what their ids contain
	Mood    string // its class
	Problem string // its word
	Page    int    // of the list, from 1 on; it may be beyond the last
}

// newQuery reads the parameters. An error says what is wrong with them, and repeats none.
func newQuery(values url.Values) (query, error) {
	if id := values.Get(onePage); id != "" {
		return query{ID: id, Page: 1}, nil
	}
	a := query{Search: shortened(values.Get("search")), Mood: values.Get("mood"), Problem: values.Get("problem"), Page: 1}
	if a.Mood != "" && !slices.Contains(classes[:], a.Mood) {
		return query{}, errors.New("there is no such mood; there are " + strings.Join(classes[:], ", ") + ", and / lists all instances")
	}
	if a.Problem != "" && !isProblem(a.Problem) {
		return query{}, errors.New("there is no such problem; / says what is wrong")
	}
	if text := values.Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return query{}, errors.New("there is no such page of the list: they are numbered from 1 on, and / is the first")
		}
		a.Page = n
	}
	return a, nil
}

// isProblem reports whether the word is one of the closed set that problems have.
func isProblem(word string) bool {
	return word == issueNotScraped || word == issueExpiring ||
		slices.Contains(greenapi.Results(), greenapi.Result(word)) && greenapi.Result(word).Advice() != "" ||
		slices.Contains(greenapi.States(), greenapi.State(word)) && greenapi.State(word).Advice() != ""
}

// shortened is a text to search for, no longer than an id. What was cut off has left a sign, with which it finds nothing:
// nor would all of it.
func shortened(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	if letters := []rune(text); len(letters) > greenapi.MaxIDLength {
		return string(letters[:greenapi.MaxIDLength-1]) + "…"
	}
	return text
}

// narrows reports whether a part of the list is asked for.
func (a query) narrows() bool { return a.Search != "" || a.Mood != "" || a.Problem != "" }

// cannotMatch reports whether no id can have what is searched for.
func (a query) cannotMatch() bool {
	return strings.ContainsFunc(a.Search, func(r rune) bool { return r < '0' || r > '9' })
}

// matchesSearch reports whether the instance is one of those that are searched for, of whatever mood.
func (a query) matchesSearch(i instanceSummary) bool { return strings.Contains(i.status.ID, a.Search) }

// matches reports whether the instance is one of the list that is asked for.
func (a query) matches(i instanceSummary) bool {
	return a.matchesSearch(i) && (a.Mood == "" || i.mood.Class() == a.Mood) &&
		(a.Problem == "" || slices.ContainsFunc(i.problems, func(p issue) bool { return p.What == a.Problem }))
}

// Href leads to what is asked for.
func (a query) Href() string {
	query := make(url.Values)
	for name, value := range map[string]string{onePage: a.ID, "search": a.Search, "mood": a.Mood, "problem": a.Problem} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if a.Page > 1 {
		query.Set("page", strconv.Itoa(a.Page))
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}

// page is the same of another page.
func (a query) page(n int) query { a.Page = n; return a }

// ofMood is the first page of the same of that mood; of any if it is empty.
func (a query) ofMood(class string) query { a.Mood, a.Page = class, 1; return a }

// withProblem is the first page of the same with that problem.
func (a query) withProblem(word string) query { a.Problem, a.Page = word, 1; return a }

// Which says behind "instances" which are asked for; nothing if all are.
func (a query) Which() string {
	var parts []string
	if a.Search != "" {
		parts = append(parts, "with "+a.Search+" in their id")
	}
	if a.Problem != "" {
		parts = append(parts, "with "+a.Problem)
	}
	if a.Mood != "" {
		parts = append(parts, "that "+moodOfClass(a.Mood).Many())
	}
	return strings.Join(parts, " ")
}

// nothing says that no instance is so.
func (a query) nothing() string {
	if a.cannotMatch() {
		return "Nothing can be found by “" + a.Search + "”: an id has digits only, " + strconv.Itoa(greenapi.MaxIDLength) + " at the most. Search for all of it, or for some that stand together."
	}
	var parts []string
	if a.Search != "" {
		parts = append(parts, "has "+a.Search+" in its id")
	}
	if a.Problem != "" {
		parts = append(parts, "has the problem "+a.Problem)
	}
	if a.Mood != "" {
		parts = append(parts, moodOfClass(a.Mood).Words())
	}
	return "No instance " + strings.Join(parts, " and ") + "."
}
