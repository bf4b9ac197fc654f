package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// jsonExporterConfig is what comes nearest to counting: json_exporter cannot, so that each message is a series and
// `count by (status, type)` is left to Prometheus. Rows without an id it could not tell apart.
const jsonExporterConfig = `modules:
  default:
    metrics:
      - name: message
        type: object
        path: '{ [?(@.idMessage)] }'
        labels: {id: '{ .idMessage }', status: '{ .statusMessage }', type: '{ .typeMessage }'}
        values: {there: 1}
`

// startJSONExporter starts json_exporter, or returns nil where there is none.
func startJSONExporter(b *testing.B, api recorded) *peer {
	b.Helper()
	program, err := exec.LookPath("json_exporter")
	if err != nil {
		fmt.Printf("without json_exporter: %v\n", err)
		return nil
	}
	command := exec.Command(program, "--config.file="+written(b, "json_exporter.yml", jsonExporterConfig), "--web.listen-address=127.0.0.1:0")
	base, _ := startListening(b, command)
	return &peer{
		Cmd: command, name: "json_exporter", url: base + "/probe?target=" + url.QueryEscape(api.url+journalPath),
		counts: "message_there", want: float64(api.named),
	}
}

// telegrafConfig counts with an aggregator. It is given no rows without a status: those where it is null, empty and absent
// would be series of one name, of which Telegraf shows the last alone.
const telegrafConfig = `[agent]
  interval = "10s"
  omit_hostname = true
[[inputs.http]]
  urls = [%q]
  timeout = "1m"
  name_override = "messages"
  fieldinclude = ["timestamp"]
  data_format = "json"
  json_query = '#(statusMessage%%"?*")#'
  tag_keys = ["statusMessage", "typeMessage"]
[[aggregators.basicstats]]
  period = "10s"
  grace = "5m"
  drop_original = true
  stats = ["count"]
[[outputs.prometheus_client]]
  listen = "127.0.0.1:0"
  collectors_exclude = ["gocollector", "process"]
`

// measureTelegraf starts Telegraf and measures some readings of it, or returns nil where there is none. It reads by a
// clock of its own and answers from what it has: so there is no wall time, and it is measured when the others are done.
func measureTelegraf(b *testing.B, api recorded) *peer {
	b.Helper()
	program, err := exec.LookPath("telegraf")
	if err != nil {
		fmt.Printf("without Telegraf: %v\n", err)
		return nil
	}
	command := exec.Command(program, "--config", written(b, "telegraf.conf", fmt.Sprintf(telegrafConfig, api.url+journalPath)))
	base, _ := startListening(b, command)
	p := &peer{Cmd: command, name: "Telegraf", url: base + "/metrics", counts: "messages_timestamp_count", want: float64(api.told)}
	const readings = 3
	before := api.calls(b)
	api.waitForCalls(b, before+1)
	begin := p.usage(b)
	api.waitForCalls(b, before+1+readings)
	end := p.usage(b)
	p.cpu, p.peak = (end.cpu-begin.cpu)/readings, end.peak
	// An aggregate is shown when its period is over.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		text, err := p.read()
		if p.exposed = len(text); err == nil && sumOf(text, p.counts) == p.want {
			return p
		}
		if time.Now().After(deadline) {
			b.Errorf("%s: %s is %v in all, want %v, %v", p.name, p.counts, sumOf(text, p.counts), p.want, err)
			return p
		}
	}
}

// calls is how often the journal was asked for so far.
func (r recorded) calls(b *testing.B) (n int) {
	b.Helper()
	response, err := http.Get(r.url + "/calls")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := fmt.Fscan(response.Body, &n); err != nil {
		b.Fatal(err)
	}
	return n
}

func (r recorded) waitForCalls(b *testing.B, n int) {
	b.Helper()
	for deadline := time.Now().Add(5 * time.Minute); r.calls(b) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d calls after five minutes, want %d", r.calls(b), n)
		}
	}
}

// written is a file with the text.
func written(b *testing.B, name, text string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}
