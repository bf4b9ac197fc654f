package greenapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

const (
	// freshAge is the limit on the age of a response that does not cause a warning.
	freshAge = time.Minute
	// maxAge is the largest age that a cache sends, according to RFC 9111, section 1.2.2.
	maxAge = 1 << 31 * time.Second
)

// An AgeLog logs when a cache starts or stops returning old responses of a method. It is not safe
// for concurrent use.
type AgeLog struct {
	logger log.Logger
	old    bool // whether the latest response was old
}

// NewAgeLog returns an AgeLog for a logger that names the method.
func NewAgeLog(logger log.Logger) *AgeLog { return &AgeLog{logger: logger} }

// Observe handles the header of a response.
func (l *AgeLog) Observe(h Header) {
	switch {
	case l.old == h.old():
	case h.old():
		l.old = true
		level.Warn(l.logger).Log("msg", "a cache returned an old response", "age", h.Age,
			"advice", "exclude the API host from the caches of proxies")
	case h.Status == http.StatusOK: // an error can come from a proxy
		l.old = false
		level.Info(l.logger).Log("msg", "responses are recent again")
	}
}

// responseAge parses an Age header (RFC 9111, section 5.1). An invalid one counts as 0.
func responseAge(header string) time.Duration {
	first, _, _ := strings.Cut(header, ",")
	seconds, err := strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	if err != nil && seconds == 0 { // otherwise it is out of range
		return 0
	}
	return time.Duration(min(seconds, uint64(maxAge/time.Second))) * time.Second
}
