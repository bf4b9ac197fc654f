package web

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// timeoutHeader is how Prometheus says how long it will wait for a scrape.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// scrapeTimeout is how long a scrape may take: what the scraper says less the offset, which the answer needs to get back to
// it, and longest at the most. A header that makes no sense is ignored.
func scrapeTimeout(header http.Header, offset, longest time.Duration) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0) || math.IsInf(seconds, 0) || seconds >= longest.Seconds()+offset.Seconds() {
		return longest
	}
	announced := time.Duration(seconds * float64(time.Second))
	if announced <= offset {
		return announced / 2
	}
	return announced - offset
}
