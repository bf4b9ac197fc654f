package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"greenapi_exporter/internal/simulator"
)

func TestHelpAndVersion(t *testing.T) {
	for arg, want := range map[string]string{
		"--help": "--greenapi.minutes=1440", "-h": "GREENAPI_ID_INSTANCE",
		"--version": "greenapi_exporter, version",
	} {
		var stdout, stderr bytes.Buffer
		code := runMain(t.Context(), []string{arg}, &stdout, &stderr)
		if code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: code %d, stderr %q, stdout:\n%s", arg, code, &stderr, &stdout)
		}
	}
}

// fullDisk is an io.Writer whose writes fail.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestHelpReportsWriteErrors(t *testing.T) {
	var stderr bytes.Buffer
	code := runMain(t.Context(), []string{"--help"}, fullDisk{}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "no space") {
		t.Errorf("code %d, stderr %q", code, &stderr)
	}
}

func TestOneInstanceFromTheEnvironment(t *testing.T) {
	var path string
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.RequestURI
		fmt.Fprint(w, `[{"idMessage":"1","typeMessage":"textMessage",`+
			`"statusMessage":"read","timestamp":1706601634}]`)
	})
	p := startInstance(t, a.URL+"/v3", "--greenapi.minutes=5")
	got := scrape(t, p.url+"/metrics")
	got.assert(t, 1, "greenapi_up", "id_instance", testID)
	got.assert(t, 1, "greenapi_outgoing_window_messages", "status", "read", "type", "textMessage")
	want := "/v3/waInstance" + testID + "/" + journalMethod + "/" + secret + "?minutes=5"
	if path != want {
		t.Errorf("the exporter called %s, want %s", path, want)
	}
	for _, pair := range []string{
		"version=", "id_instance=" + testID, "collectors=outgoing,state,queue ", "window_minutes=5",
	} {
		if !strings.Contains(p.output.String(), pair) {
			t.Errorf("the log lacks %s:\n%s", pair, p.output)
		}
	}
}

func TestExporterWarnsWithoutCollectors(t *testing.T) {
	for args, want := range map[string]bool{
		"--collector.disable-defaults":                                      true,
		"--no-collector.outgoing --no-collector.state --no-collector.queue": true,
		"--no-collector.outgoing":                                           false,
		"--log.level=info":                                                  false,
	} {
		_, a := serveSimulator(t, simulator.Config{})
		p := startInstance(t, a.URL, strings.Fields(args)...)
		if got := strings.Contains(p.output.String(), "all collectors are disabled"); got != want {
			t.Errorf("%s: the log is %s", args, p.output)
		}
	}
}
