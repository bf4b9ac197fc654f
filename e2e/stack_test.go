package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// speed is by how much all time in the rules and in the README's scrape job is divided.
const speed = 60

const shippedRules = "../deploy/prometheus/greenapi.rules.yml"

// stack is Prometheus with the shipped rules, Alertmanager, and who is told.
type stack struct {
	api   v1.API // of Prometheus
	inbox *inbox
}

// startStack starts all of it. Prometheus scrapes the exporters, and begins with the samples of the past in an exposition
// of OpenMetrics.
func startStack(t *testing.T, exporters []*program, past string) *stack {
	s := &stack{inbox: newInbox(t)}
	alertmanager := startAlertmanager(t, toYAML(t, object{
		"route": object{
			"receiver": "inbox", "group_by": list{"..."}, "group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1h",
		},
		"receivers": list{object{"name": "inbox", "webhook_configs": list{object{"url": s.inbox.url}}}},
	}))
	targets := list{}
	for _, e := range exporters {
		targets = append(targets, e.address)
	}
	job := readmeJobs(t, 0)[0]
	job["static_configs"] = list{object{"targets": targets}}
	job["scrape_interval"] = faster(t, job["scrape_interval"], speed)
	job["scrape_timeout"] = job["scrape_interval"] // a call takes as long as ever
	s.api = connect(t, startPrometheusOn(t, blocks(t, past), toYAML(t, object{
		"global":         object{"evaluation_interval": job["scrape_interval"]},
		"rule_files":     list{fasterRules(t, speed)},
		"scrape_configs": list{job},
		"alerting":       object{"alertmanagers": list{object{"static_configs": list{object{"targets": list{alertmanager.address}}}}}},
	})))
	return s
}

type (
	object = map[string]any
	list   = []any
)

func toYAML(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readmeJobs are the scrape jobs that the README tells people to use: in its first example those of one instance, in the
// second those of many.
func readmeJobs(t *testing.T, example int) []object {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(scrape_configs:.*?)```").FindAllSubmatch(readme, -1)
	if len(examples) <= example {
		t.Fatalf("the README has %d examples of scrape_configs", len(examples))
	}
	var config struct {
		Jobs []object `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(examples[example][1], &config); err != nil {
		t.Fatal(err)
	}
	return config.Jobs
}

// faster is a duration divided by a number.
func faster(t *testing.T, duration any, by int64) string {
	t.Helper()
	d, err := model.ParseDuration(fmt.Sprint(duration))
	if err != nil {
		t.Fatal(err)
	}
	return (d / model.Duration(by)).String()
}

// fasterRules is the path of the shipped rules with all time in them divided by a number, as deploy/prometheus/README.md
// shows.
func fasterRules(t *testing.T, by int64) string {
	t.Helper()
	rules, err := os.Open(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	defer rules.Close()
	command := exec.Command(filepath.Join(bin, "faster"), fmt.Sprintf("-by=%d", by))
	command.Stdin = rules
	text, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "faster.rules.yml", string(text))
}

// blocks is a directory of Prometheus's with the samples of an exposition.
func blocks(t *testing.T, exposition string) string {
	t.Helper()
	directory := t.TempDir()
	command := exec.Command(filepath.Join(bin, "promtool"), "tsdb", "create-blocks-from", "openmetrics", write(t, "past.openmetrics", exposition), directory)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return directory
}

// inbox is where Alertmanager sends its notifications. It is safe for concurrent use.
type inbox struct {
	url string

	mu            sync.Mutex
	states        map[notice]string // firing or resolved
	notifications []notification    // all that have come
	changed       chan struct{}     // closed at the next change
}

// notification is one that Alertmanager has sent, of alerts that are grouped.
type notification struct {
	at     time.Time
	status string // resolved if all alerts are
	alerts map[notice]string
}

// notice names an alert; who is the instance it is about, or the exporter where it is about that.
type notice struct{ alert, who string }

func newInbox(t *testing.T) *inbox {
	i := &inbox{states: make(map[notice]string), changed: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Status string
			Alerts []struct {
				Status              string
				Labels, Annotations map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Errorf("Alertmanager's notification: %v", err)
			return
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		n := notification{time.Now(), message.Status, make(map[notice]string)}
		for _, a := range message.Alerts {
			who := a.Labels["id_instance"]
			if who == "" {
				who = a.Labels["instance"]
			}
			i.states[notice{a.Labels["alertname"], who}] = a.Status
			n.alerts[notice{a.Labels["alertname"], who}] = a.Status
			for _, text := range a.Annotations {
				if strings.Contains(text, "error expanding") || strings.Contains(text, "<no value>") || strings.Contains(text, token) {
					t.Errorf("%s: the text is %q", a.Labels["alertname"], text)
				}
			}
		}
		i.notifications = append(i.notifications, n)
		close(i.changed)
		i.changed = make(chan struct{})
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// wait waits until the alert has come as firing or as resolved.
func (i *inbox) wait(t *testing.T, n notice, status string) {
	t.Helper()
	patience := time.NewTimer(4 * time.Minute)
	defer patience.Stop()
	begin := time.Now()
	for {
		i.mu.Lock()
		got, changed := i.states[n], i.changed
		i.mu.Unlock()
		if got == status {
			t.Logf("%s of %s is %s after %s", n.alert, n.who, status, time.Since(begin).Round(time.Second))
			return
		}
		select {
		case <-changed:
		case <-patience.C:
			t.Fatalf("%s of %s is %q, want %s", n.alert, n.who, got, status)
		}
	}
}

// of lists the alerts that have ever come about who.
func (i *inbox) of(who string) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var alerts []string
	for n := range i.states {
		if n.who == who {
			alerts = append(alerts, n.alert)
		}
	}
	slices.Sort(alerts)
	return alerts
}

// past is an exposition of OpenMetrics with a series of the same value in the last hours, up to some minutes ago.
func past(series string, value float64) string {
	var text bytes.Buffer
	now := time.Now()
	for at := now.Add(-4 * time.Hour); at.Before(now.Add(-15 * time.Minute)); at = at.Add(time.Minute) {
		fmt.Fprintf(&text, "%s %v %d\n", series, value, at.Unix())
	}
	text.WriteString("# EOF\n")
	return text.String()
}
