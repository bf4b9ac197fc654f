package integration

import (
	"net"
	"os"
	"strings"
	"testing"

	"greenapi_exporter/internal/simulator"
)

// TestMissingFileDescriptorsAreReported opens more connections than the exporter may have files
// open. The warning is logged once, although net/http fails to accept again and again.
func TestMissingFileDescriptorsAreReported(t *testing.T) {
	t.Parallel()
	_, a := serveSimulator(t, simulator.Config{})
	exporter := testBinary("exporter", "--web.listen-address=127.0.0.1:0")
	limited := testBinary("exporter")
	limited.Path = "/bin/sh"
	limited.Args = append([]string{"sh", "-c", `ulimit -n 30; exec "$0" "$@"`, os.Args[0]},
		exporter.Args[1:]...)
	limited.Env = append(limited.Env, instanceEnv(a.URL)...)
	p, _ := start(t, limited, exporterReady)
	address := strings.TrimPrefix(p.url, "http://")
	for range 40 {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
	}
	const warning = "no file descriptors are left"
	p.eventually(t, func() bool { return strings.Contains(p.output.String(), warning) })
	p.terminate(t)
	text := p.output.String()
	if strings.Count(text, warning) != 1 || !strings.Contains(text, "level=warn") ||
		!strings.Contains(text, "ulimit -n") {
		t.Errorf("want one warning with advice, got:\n%s", text)
	}
}
