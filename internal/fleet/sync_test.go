package fleet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// testSyncer is a Syncer with its API and log.
type testSyncer struct {
	*Syncer
	api *partnerAPI
	log *logBuffer
}

// logBuffer holds log lines. It is safe for concurrent use.
type logBuffer struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(line)
}

// take returns the lines since the previous take.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := b.lines.String()
	b.lines.Reset()
	return lines
}

func newTestSyncer(t *testing.T) *testSyncer {
	t.Helper()
	s := &testSyncer{api: new(partnerAPI), log: new(logBuffer)}
	f := newTestFleet(t, "", s.api)
	backend := &greenapi.Backend{Transport: s.api, Limiter: greenapi.NewLimiter(4)}
	logger := level.NewFilter(log.NewLogfmtLogger(s.log), level.AllowInfo())
	s.Syncer = NewSyncer(f.Manager, backend, logger)
	t.Cleanup(func() {
		s.Close()
		f.close(t)
	})
	return s
}

// loadConfig returns the configuration of a file with the given text.
func loadConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Source{
		Path: path, Collectors: []string{"outgoing"},
		Defaults: config.Settings{
			URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second,
			Retention: 360 * time.Hour, Collectors: []string{"outgoing"}, Lookback: config.Full,
		},
	}.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *testSyncer) configure(t *testing.T, text string) {
	t.Helper()
	if err := s.ApplyConfig(loadConfig(t, text)); err != nil {
		t.Fatal(err)
	}
}

func (s *testSyncer) wantNoCalls(t *testing.T) {
	t.Helper()
	if calls := s.api.takeCalls(); len(calls) > 0 {
		t.Errorf("calls %v, want none", calls)
	}
}

// wantTargets checks the ids of the targets, and whether they are complete.
func (s *testSyncer) wantTargets(t *testing.T, complete bool, ids ...string) {
	t.Helper()
	synctest.Wait()
	targets, gotComplete := s.Targets()
	var got []string
	for _, target := range targets {
		got = append(got, target.ID())
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") || gotComplete != complete {
		t.Errorf("targets %v, complete %v; want %v, %v", got, gotComplete, ids, complete)
	}
}

const lastSuccessMetric = "greenapi_exporter_partner_last_success_timestamp_seconds"

// collect returns the values of the Syncer's metrics by name, followed by the values of the labels.
func collect(t *testing.T, s *testSyncer) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, label := range m.Label {
				name += " " + label.GetValue()
			}
			values[name] = m.GetGauge().GetValue()
		}
	}
	return values
}

const partnerConfig = `
instances: [{id_instance: 1101000001, token: own}]
partner: {token: partner-secret, refresh: 10m, include: "^11"}
`

func TestReloadKeepsLatestPartnerList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002", "1201000003")
		s.configure(t, partnerConfig)
		s.wantTargets(t, true, "1101000001", "1101000002")
		s.api.takeCalls()
		s.api.fail(502)
		s.configure(t, strings.Replace(partnerConfig, "^11", "^12", 1))
		s.wantTargets(t, true, "1101000001", "1201000003")
		s.wantNoCalls(t)
	})
}

func TestFrequentReloadsDoNotExceedCallRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002")
		for n := range 99 { // the second is not over at the end
			token := fmt.Sprint("partner-secret-", n)
			s.configure(t, strings.Replace(partnerConfig, "partner-secret", token, 1))
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(s.api.takeCalls()); n > 2 {
			t.Errorf("%d calls within a second, want at most 2", n)
		}
		s.wantTargets(t, true, "1101000001", "1101000002")
		time.Sleep(time.Second)
		calls := s.api.takeCalls()
		if len(calls) != 1 || !strings.HasSuffix(calls[0].url, "/partner-secret-98") {
			t.Errorf("calls %v, want one with the latest token", calls)
		}
	})
}

func TestRemovedPartnerIsNotPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002")
		s.configure(t, partnerConfig)
		s.wantTargets(t, true, "1101000001", "1101000002")
		s.api.takeCalls()
		s.configure(t, "instances: [{id_instance: 1101000001, token: own}]\n")
		s.wantTargets(t, true, "1101000001")
		if _, ok := collect(t, s)[lastSuccessMetric]; ok {
			t.Error("the last success is exposed without a partner")
		}
		time.Sleep(time.Hour)
		s.wantNoCalls(t)

		s.api.fail(502)
		s.configure(t, partnerConfig)
		s.wantTargets(t, false, "1101000001")
	})
}

func TestClosedSyncerMakesNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002")
		s.configure(t, partnerConfig)
		s.Close()
		if err := s.ApplyConfig(loadConfig(t, partnerConfig)); err == nil {
			t.Error("ApplyConfig succeeded after Close")
		}
		s.api.takeCalls()
		time.Sleep(time.Hour)
		s.wantNoCalls(t)
	})
}
