package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is a complete response. Its header and body may contain the placeholders of send.
type answer struct {
	status int
	header string // as "Name: value", or none
	body   string
}

const (
	typeJSON = "Content-Type: application/json"
	typeText = "Content-Type: text/plain; charset=utf-8"
	typeHTML = "Content-Type: text/html"
)

var (
	unauthorized = jsonAnswer(401, "")
	forbidden    = nginx(403)
	notFound     = errorAnswer(404, "Cannot $verb $path")
	badRequest   = errorAnswer(400, "Validation failed: 'minutes' must be an integer of at least 1")
	rateLimited  = answer{429, "", ""}
	moved        = jsonAnswer(200, "[]")
	// quotaExceeded contains a phone number, as the real description may. It must not be logged.
	quotaExceeded = jsonAnswer(466, `{"invokeStatus":{"method":"$method","used":1000,"total":1000,`+
		`"status":"QUOTE_EXCEEDED","description":"This month's calls are used up. `+
		`Chats that still work: 11005550123@c.us"}}`)
)

func jsonAnswer(status int, body string) answer { return answer{status, typeJSON, body} }

func textAnswer(status int, body string) answer { return answer{status, typeText, body} }

// errorAnswer returns an error in the format of the service's web framework. It repeats the token.
func errorAnswer(status int, message string) answer {
	const format = `{"statusCode":%d,"timestamp":"$time","path":"$path","message":"%s"}`
	return jsonAnswer(status, fmt.Sprintf(format, status, message))
}

// nginx returns an error page of the proxy in front of the service.
func nginx(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return answer{status, typeHTML, "<html>\r\n<head><title>" + title + "</title></head>\r\n" +
		"<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx</center>\r\n" +
		"</body>\r\n</html>\r\n"}
}

// send writes the answer. It ignores write errors, because they mean that the client has closed the
// connection.
func (a answer) send(w http.ResponseWriter, c call) {
	escapedPath := strings.Trim(string(toJSON(c.uri)), `"`)
	expand := strings.NewReplacer("$instance", c.instance, "$method", c.method, "$verb", c.verb,
		"$prefix", c.prefix, "$path", escapedPath, "$uri", c.uri,
		"$time", c.now.UTC().Format(time.RFC3339Nano)).Replace
	if name, value, ok := strings.Cut(a.header, ": "); ok {
		w.Header().Set(name, expand(value))
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, expand(a.body))
}

// toJSON panics if v contains channels, functions or cycles.
func toJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
