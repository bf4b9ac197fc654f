package e2e

import (
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

// speed is the divisor of all durations in the rules and in the README's scrape job.
const speed = 60

const shippedRules = "../deploy/prometheus/greenapi.rules.yml"

// stack is Prometheus with the shipped rules, Alertmanager, and the receiver of notifications.
type stack struct {
	api   v1.API // of Prometheus
	inbox *inbox
}

// startStack starts a stack that scrapes the exporters. The database starts with the samples of an
// OpenMetrics exposition.
func startStack(t *testing.T, exporters []*program, history string) *stack {
	s := &stack{inbox: newInbox(t)}
	alertmanager := startAlertmanager(t, toYAML(t, object{
		"route": object{
			"receiver": "inbox", "group_by": list{"..."},
			"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1h",
		},
		"receivers": list{s.inbox.receiver("inbox")},
	}))
	targets := list{}
	for _, e := range exporters {
		targets = append(targets, e.address)
	}
	job := documentedJobs(t, "README.md")[0]
	job["static_configs"] = list{object{"targets": targets}}
	job["scrape_interval"] = faster(t, job["scrape_interval"], speed)
	job["scrape_timeout"] = job["scrape_interval"] // calls are not faster
	s.api = connect(t, startPrometheusOn(t, blocks(t, history), toYAML(t, object{
		"global":         object{"evaluation_interval": job["scrape_interval"]},
		"rule_files":     list{fasterRules(t, speed)},
		"scrape_configs": list{job},
		"alerting":       alertingConfig(alertmanager),
	})))
	return s
}

// alertingConfig returns the configuration with which Prometheus sends alerts to an Alertmanager.
func alertingConfig(alertmanager *program) object {
	targets := object{"targets": list{alertmanager.address}}
	return object{"alertmanagers": list{object{"static_configs": list{targets}}}}
}

// shippedAlertmanager returns the configuration of Alertmanager from deploy/compose. It applies the
// replacements of strings, and divides the times of grouping by a number.
func shippedAlertmanager(t *testing.T, by int64, replacements ...string) (config object) {
	t.Helper()
	text, err := os.ReadFile("../deploy/compose/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	replaced := strings.NewReplacer(replacements...).Replace(string(text))
	if err := yaml.Unmarshal([]byte(replaced), &config); err != nil {
		t.Fatal(err)
	}
	route := config["route"].(object)
	heartbeat := route["routes"].(list)[0].(object)
	heartbeat["repeat_interval"] = faster(t, heartbeat["repeat_interval"], by)
	for _, name := range []string{"group_wait", "group_interval"} {
		route[name] = faster(t, route[name], by)
		heartbeat[name] = faster(t, heartbeat[name], by)
	}
	return config
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

// documentedJobs returns the scrape jobs of the first example in a page of the documentation.
func documentedJobs(t *testing.T, page string) []object {
	t.Helper()
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile("(?s)```yaml\n(scrape_configs:.*?)```")
	example := pattern.FindSubmatch(text)
	if example == nil {
		t.Fatalf("%s has no example of scrape_configs", page)
	}
	var config struct {
		Jobs []object `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(example[1], &config); err != nil {
		t.Fatal(err)
	}
	return config.Jobs
}

// faster returns a duration divided by a number.
func faster(t *testing.T, duration any, by int64) string {
	t.Helper()
	d, err := model.ParseDuration(fmt.Sprint(duration))
	if err != nil {
		t.Fatal(err)
	}
	return (d / model.Duration(by)).String()
}

// fasterRules returns the path of a copy of the shipped rules with all durations divided by a
// number, as described in deploy/prometheus/README.md.
func fasterRules(t *testing.T, by int64) string {
	t.Helper()
	return fasterRulesOf(t, shippedRules, by)
}

// fasterRulesOf is like fasterRules, but for the rules at path.
func fasterRulesOf(t *testing.T, path string, by int64) string {
	t.Helper()
	rules, err := os.Open(path)
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

// blocks returns a database directory with the samples of an exposition.
func blocks(t *testing.T, exposition string) string {
	t.Helper()
	directory := t.TempDir()
	command := exec.Command(filepath.Join(bin, "promtool"), "tsdb", "create-blocks-from",
		"openmetrics", write(t, "past.openmetrics", exposition), directory)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return directory
}

// inbox receives the notifications of Alertmanager. It is safe for concurrent use.
type inbox struct {
	url string

	mu            sync.Mutex          // guards the fields below
	states        map[alertKey]string // firing or resolved
	notifications []notification      // in the order of arrival
	changed       chan struct{}       // closed at the next change
}

// notification is a notification of Alertmanager. It contains the alerts of a group.
type notification struct {
	at     time.Time
	status string // resolved if all alerts are
	alerts map[alertKey]string
}

// alertKey identifies an alert. Its subject is an instance or an exporter.
type alertKey struct{ alert, subject string }

// badAnnotation matches annotations with a template error or with the token.
var badAnnotation = regexp.MustCompile("error expanding|<no value>|" + token)

func newInbox(t *testing.T) *inbox {
	i := &inbox{states: make(map[alertKey]string), changed: make(chan struct{})}
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
		n := notification{time.Now(), message.Status, make(map[alertKey]string)}
		for _, a := range message.Alerts {
			key := alertKey{a.Labels["alertname"], a.Labels["id_instance"]}
			if key.subject == "" {
				key.subject = a.Labels["instance"]
			}
			i.states[key], n.alerts[key] = a.Status, a.Status
			for _, text := range a.Annotations {
				if badAnnotation.MatchString(text) {
					t.Errorf("%s: annotation %q", key.alert, text)
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

// receiver returns the configuration of an Alertmanager receiver that notifies the inbox.
func (i *inbox) receiver(name any) object {
	return object{"name": name, "webhook_configs": list{object{"url": i.url}}}
}

// wait waits until the alert has the status, which is firing or resolved.
func (i *inbox) wait(t *testing.T, n alertKey, status string) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	started := time.Now()
	for {
		i.mu.Lock()
		got, changed := i.states[n], i.changed
		i.mu.Unlock()
		if got == status {
			t.Logf("%s of %s is %s after %s",
				n.alert, n.subject, status, time.Since(started).Round(time.Second))
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%s of %s is %q, want %s", n.alert, n.subject, got, status)
		}
	}
}

// alertsOf returns all alerts about the subjects, firing or resolved.
func (i *inbox) alertsOf(subjects ...string) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var alerts []string
	for n := range i.states {
		if slices.Contains(subjects, n.subject) {
			alerts = append(alerts, n.alert)
		}
	}
	slices.Sort(alerts)
	return alerts
}

// past returns an OpenMetrics exposition of a constant series, from 4 hours to 15 minutes ago.
func past(series string, value float64) string {
	var text strings.Builder
	now := time.Now()
	for ago := 4 * time.Hour; ago > 15*time.Minute; ago -= time.Minute {
		fmt.Fprintf(&text, "%s %v %d\n", series, value, now.Add(-ago).Unix())
	}
	text.WriteString("# EOF\n")
	return text.String()
}
