package app

import (
	"errors"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
)

// TestFailedReloadsAreShown checks the text for the page after each kind of failure.
func TestFailedReloadsAreShown(t *testing.T) {
	var loadErr, applyErr error
	load := func() (*config.Config, error) { return nil, loadErr }
	apply := func(*config.Config) error { return applyErr }
	r := newReloader(load, apply, log.NewNopLogger(), prometheus.NewRegistry())
	if got := r.failure(); got != "" {
		t.Errorf("at the start: %s", got)
	}
	for _, c := range []struct {
		load, apply error
		want        string
	}{
		{errors.New("g.yml:6: no"), nil, reloadRejected},
		{nil, nil, ""},
		{nil, errors.New("1101000001: no"), reloadIncomplete},
		{nil, nil, ""},
	} {
		loadErr, applyErr = c.load, c.apply
		if err := r.reload(); (err != nil) != (c.want != "") {
			t.Errorf("got error %v, want %q", err, c.want)
		}
		if got := r.failure(); got != c.want {
			t.Errorf("the page shows %q, want %q", got, c.want)
		}
	}
}
