//go:build linux

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

// recording is the recorded API and its journal.
type recording struct {
	url                      string
	rows, withID, withStatus int
	bytes                    int
}

func startRecordedAPI(b *testing.B, s peersSize) recording {
	b.Helper()
	command := testBinary(fmt.Sprintf("peer api %d %s %d", s.rows, s.kind, s.mbit))
	p, note := start(b, command, peerReady)
	r := recording{url: p.url}
	if _, err := fmt.Sscan(note, &r.rows, &r.withID, &r.withStatus, &r.bytes); err != nil {
		b.Fatal(err)
	}
	return r
}

// calls returns how often the journal has been called.
func (r recording) calls(b *testing.B) (n int) {
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

func (r recording) waitForCalls(b *testing.B, n int) {
	b.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for ; r.calls(b) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d calls after five minutes, want %d", r.calls(b), n)
		}
	}
}

// startPeer starts a peer that serves its metrics at path.
func startPeer(b *testing.B, command *exec.Cmd, name, path, metric string, want int) *peer {
	b.Helper()
	p, _ := start(b, command, peerReady)
	return &peer{process: p, name: name, url: p.url + path, metric: metric, want: float64(want)}
}

func startBody(b *testing.B, api recording, name, role string) *peer {
	b.Helper()
	command := testBinary("peer " + role + " " + api.url + journalPath)
	return startPeer(b, command, name, "/metrics", "read_bytes", api.bytes)
}

func startEncodingJSON(b *testing.B, api recording) *peer {
	b.Helper()
	command := testBinary("peer json " + api.url + journalPath)
	return startPeer(b, command, "encoding/json", "/metrics", "messages", api.rows)
}

// startExporterPeer builds the program as it is released and starts it.
func startExporterPeer(b *testing.B, api recording, name string, args ...string) *peer {
	b.Helper()
	program, err := buildExporter(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	args = append([]string{
		"--web.listen-address=127.0.0.1:0", "--no-collector.state", "--no-collector.queue",
	}, args...)
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), instanceEnv(api.url)...)
	return startPeer(b, command, name, "/metrics", "greenapi_outgoing_window_messages", api.rows)
}

// jsonExporterConfig exports a series for each message, because json_exporter cannot count.
// Prometheus would have to count by status and type. Rows without an id are excluded, because they
// would be the same series.
const jsonExporterConfig = `modules:
  default:
    metrics:
      - name: message
        type: object
        path: '{ [?(@.idMessage)] }'
        labels: {id: '{ .idMessage }', status: '{ .statusMessage }', type: '{ .typeMessage }'}
        values: {there: 1}
`

// startJSONExporter starts json_exporter. It returns nil if it is not in PATH.
func startJSONExporter(b *testing.B, api recording) *peer {
	b.Helper()
	program, err := exec.LookPath("json_exporter")
	if err != nil {
		fmt.Printf("without json_exporter: %v\n", err)
		return nil
	}
	config := filepath.Join(b.TempDir(), "json_exporter.yml")
	writeFile(b, config, jsonExporterConfig)
	command := exec.Command(program, "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	path := "/probe?target=" + url.QueryEscape(api.url+journalPath)
	return startPeer(b, command, "json_exporter", path, "message_there", api.withID)
}

// telegrafConfig counts with an aggregator. It excludes rows without a status. Rows with a null, an
// empty and an absent status would have the same series, and Telegraf exports only the last.
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

// measureTelegraf measures some readings of Telegraf. It returns nil if Telegraf is not in PATH.
// Telegraf reads at its own interval and answers scrapes from memory, so there is no wall time.
func measureTelegraf(b *testing.B, api recording) *peer {
	b.Helper()
	program, err := exec.LookPath("telegraf")
	if err != nil {
		fmt.Printf("without Telegraf: %v\n", err)
		return nil
	}
	config := filepath.Join(b.TempDir(), "telegraf.conf")
	writeFile(b, config, fmt.Sprintf(telegrafConfig, api.url+journalPath))
	before := api.calls(b)
	command := exec.Command(program, "--config", config)
	p := startPeer(b, command, "Telegraf", "/metrics", "messages_timestamp_count", api.withStatus)
	const readings = 3
	api.waitForCalls(b, before+1)
	begin := p.usage(b)
	api.waitForCalls(b, before+1+readings)
	end := p.usage(b)
	p.cpu, p.peak = (end.cpu-begin.cpu)/readings, end.peak
	// An aggregate is exported after its period.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		text, err := p.read()
		p.exposed = len(text)
		got := sumOf(text, p.metric)
		if err == nil && got == p.want {
			return p
		}
		if time.Now().After(deadline) {
			b.Errorf("%s: the sum of %s is %v, want %v; %v", p.name, p.metric, got, p.want, err)
			return p
		}
	}
}
