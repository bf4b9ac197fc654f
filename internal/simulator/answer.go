package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is a whole short answer: everything but what a method is asked for.
type answer struct {
	status  int
	headers map[string]string
	body    string
}

// send writes the answer. A client that has gone away is no concern of the server's.
func (a answer) send(w http.ResponseWriter) {
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func jsonType() map[string]string { return map[string]string{"Content-Type": "application/json"} }

func unauthorized() answer {
	return answer{status: http.StatusUnauthorized, headers: jsonType()}
}

func forbidden() answer { return nginx(http.StatusForbidden) }

func notFound(c call) answer {
	return complaint(http.StatusNotFound, c, "Cannot "+c.verb+" "+c.echo)
}

func badRequest(c call, message string) answer {
	return complaint(http.StatusBadRequest, c, message)
}

func rateLimited() answer { return answer{status: http.StatusTooManyRequests} }

// moved is what is found where FaultRedirect leads.
func moved() answer { return answer{status: http.StatusOK, headers: jsonType(), body: "[]"} }

// quotaExceeded names a phone number, as the real description may: it must not get into a log either.
func quotaExceeded(c call, total int) answer {
	type invokeStatus struct {
		Method      string `json:"method"`
		Used        int    `json:"used"`
		Total       int    `json:"total"`
		Status      string `json:"status"`
		Description string `json:"description"`
	}
	return answer{status: 466, headers: jsonType(), body: toJSON(map[string]invokeStatus{"invokeStatus": {
		Method: c.method, Used: total, Total: total, Status: "QUOTE_EXCEEDED",
		Description: "This month's calls are used up. Chats that still work: 11005550123@c.us",
	}})}
}

// complaint is an error in the form of the service's framework: its path repeats the token.
func complaint(status int, c call, message string) answer {
	return answer{status: status, headers: jsonType(), body: toJSON(struct {
		StatusCode int    `json:"statusCode"`
		Timestamp  string `json:"timestamp"`
		Path       string `json:"path"`
		Message    string `json:"message"`
	}{status, c.now.UTC().Format(time.RFC3339Nano), c.echo, message})}
}

func plain(status int, text string) answer {
	return answer{status: status, headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, body: text}
}

func html(status int, page string) answer {
	return answer{status: status, headers: map[string]string{"Content-Type": "text/html"}, body: page}
}

// nginx is what the proxy in front of the service says when it does not let a request through, or gets no answer.
func nginx(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return html(status, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
}

// toJSON is for values made of strings and numbers, which always have a JSON.
func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
