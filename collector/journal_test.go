package collector

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// answering is a transport that answers every request with this body, and allocates as little as one can.
type answering []byte

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(a)), Body: io.NopCloser(bytes.NewReader(a))}, nil
}

// TestAReadingAllocatesLittle from the request to what there is to show, and no more for many rows than for some.
func TestAReadingAllocatesLittle(t *testing.T) {
	instance := newExporter(t).config(t)
	allocations := func(rows int) float64 {
		body := []byte("[")
		for i := range rows {
			body = fmt.Appendf(body, `{"type":"outgoing","idMessage":"BAE5%d","timestamp":%d,"typeMessage":"%s","textMessage":"Hello","statusMessage":"%s"},`,
				i, time.Now().Unix(), []string{"textMessage", "imageMessage", "pollMessage"}[i%3], []string{"sent", "read"}[i%2])
		}
		api := &greenapi.Backend{Transport: answering(append(body, ']')), Limiter: greenapi.NewLimiter(1)}
		target := &env{Resources: Resources{Backend: api, Logger: log.NewNopLogger()}}
		target.current.Store(&instance)
		j := journal{target, ledger.New(ledger.Options{Minutes: 60, Retention: 360 * time.Hour}), (*greenapi.Client).OutgoingMessages}
		return testing.AllocsPerRun(10, func() {
			if r, err := j.read(t.Context(), time.Now()); err != nil || r.Messages != rows {
				t.Fatal(r, err)
			}
		})
	}
	some, many := allocations(1000), allocations(10_000)
	t.Logf("a reading of 1,000 known rows allocates %v times", some)
	// 31 of these are the request's, as TestReadingAllocatesLittle says.
	if some > 31+20 || many > some {
		t.Errorf("%v allocations for 1,000 rows, %v for 10,000", some, many)
	}
}
