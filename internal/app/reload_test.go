package app

import (
	"bytes"
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
	r := newReloader(true, load, apply, log.NewNopLogger(), prometheus.NewRegistry())
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

// TestReloadsAreLogged checks the line of each kind of result, and the error for the client.
func TestReloadsAreLogged(t *testing.T) {
	wrong := errors.New("g.yml:6: no")
	for _, c := range []struct {
		hasFile     bool
		load, apply error
		line, err   string
	}{
		{true, nil, nil, `level=info msg="reloaded the configuration"`, ""},
		{
			false, wrong, wrong,
			`level=info msg="there is nothing to reload without --config.file"`, "",
		},
		{
			true, wrong, nil,
			`level=error msg="configuration reload failed, keeping the previous configuration" ` +
				`err="g.yml:6: no"`,
			"keeping the previous configuration: g.yml:6: no",
		},
		{
			true, nil, wrong,
			`level=error msg="configuration reload failed for some instances" err="g.yml:6: no"`,
			"applied the configuration except for g.yml:6: no",
		},
	} {
		var text bytes.Buffer
		load := func() (*config.Config, error) { return nil, c.load }
		apply := func(*config.Config) error { return c.apply }
		logger := log.NewLogfmtLogger(&text)
		err := newReloader(c.hasFile, load, apply, logger, prometheus.NewRegistry()).reload()
		if got := text.String(); got != c.line+"\n" {
			t.Errorf("logged %s, want %s", got, c.line)
		}
		if (err != nil) != (c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("got error %v, want %q", err, c.err)
		}
	}
}
