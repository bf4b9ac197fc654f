// Package e2e tests the exporter together with Prometheus, Alertmanager and a browser. It is a
// separate module, so its dependencies are not dependencies of the exporter. `make e2e` builds the
// programs and runs the tests.
package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"greenapi_exporter/internal/simulator"
)

// token is the API token of all simulated accounts.
const token = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

// bin is the directory in which `make e2e` installs the programs.
const bin = "../.tools/bin"

// program is a process that serves HTTP.
type program struct {
	*exec.Cmd
	address string // host:port
	output  *output
}

func (p *program) url(path string) string { return "http://" + p.address + path }

// output collects the output of a program. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts a program in bin. It waits until a line of the log matches listening, whose first
// group is the address. When the test ends, start kills the program and, on failure, logs its
// output.
func start(
	t *testing.T, listening *regexp.Regexp, env []string, name string, args ...string,
) *program {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(bin, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; build it with `make e2e` in the parent directory", err)
	}
	p := &program{Cmd: exec.Command(path, args...), output: new(output)}
	p.Env = append(withoutGreenapi(os.Environ()), env...)
	p.Stdout = p.output
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, p.output)
		}
	})
	lines := bufio.NewReader(stderr)
	for p.address == "" {
		line, err := lines.ReadString('\n')
		fmt.Fprint(p.output, line)
		if match := listening.FindStringSubmatch(line); match != nil {
			p.address = match[1]
		}
		if err != nil {
			t.Fatalf("%s did not start: %s", name, p.output)
		}
	}
	go func() { _, _ = io.Copy(p.output, lines) }()
	return p
}

// withoutGreenapi returns the environment without the variables of the exporter.
func withoutGreenapi(env []string) []string {
	var others []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, "GREENAPI_") {
			others = append(others, variable)
		}
	}
	return others
}

var (
	exporterListens = regexp.MustCompile(`msg="started greenapi_exporter".* address=([0-9.:]+)`)
	toolkitListens  = regexp.MustCompile(`msg="Listening on" (?:component=web )?address=([0-9.:]+)`)
)

// cores limits the number of tests that run in parallel, so that two cores suffice.
var cores = make(chan struct{}, 2)

// useCore runs a test in parallel with one other.
func useCore(t *testing.T) {
	t.Parallel()
	cores <- struct{}{}
	t.Cleanup(func() { <-cores })
}

// startExporter starts the exporter on a free port.
func startExporter(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	return startExporterAt(t, "127.0.0.1:0", env, args...)
}

// startExporterAt starts the exporter at an address.
func startExporterAt(t *testing.T, address string, env []string, args ...string) *program {
	t.Helper()
	args = append([]string{"--web.listen-address=" + address}, args...)
	return start(t, exporterListens, env, "greenapi_exporter", args...)
}

// startPrometheus starts Prometheus on a free port, with an empty database.
func startPrometheus(t *testing.T, config string) *program {
	t.Helper()
	return startPrometheusOn(t, t.TempDir(), config)
}

// startPrometheusOn starts Prometheus on a free port, with the database in a directory.
func startPrometheusOn(t *testing.T, database, config string) *program {
	t.Helper()
	return start(t, toolkitListens, nil, "prometheus", "--web.listen-address=127.0.0.1:0",
		"--config.file="+write(t, "prometheus.yml", config), "--storage.tsdb.path="+database)
}

// startAlertmanager starts Alertmanager on a free port.
func startAlertmanager(t *testing.T, config string) *program {
	t.Helper()
	return start(t, toolkitListens, nil, "alertmanager",
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
		"--config.file="+write(t, "alertmanager.yml", config), "--storage.path="+t.TempDir())
}

// write writes text to a temporary file with that name and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// account is a simulated account and the environment of its exporter.
type account struct {
	*simulator.Simulator
	id  string
	env []string

	served atomic.Pointer[simulator.Simulator]
}

// replace replaces the simulator. The times of config are relative to now, unless it has a Start.
func (a *account) replace(config simulator.Config) {
	config.IDInstance, config.Token = a.id, token
	a.Simulator = simulator.New(config)
	a.served.Store(a.Simulator)
}

func startAccount(t *testing.T, config simulator.Config) *account {
	t.Helper()
	a := &account{id: config.IDInstance}
	a.replace(config)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.served.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.env = []string{
		"GREENAPI_URL=" + server.URL,
		"GREENAPI_ID_INSTANCE=" + config.IDInstance,
		"GREENAPI_API_TOKEN_INSTANCE=" + token,
	}
	return a
}

// connect waits until Prometheus is ready and returns a client.
func connect(t *testing.T, prometheus *program) v1.API {
	t.Helper()
	eventually(t, func() (bool, string) {
		response, err := http.Get(prometheus.url("/-/ready"))
		if err != nil {
			return false, err.Error()
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK, response.Status
	})
	client, err := api.NewClient(api.Config{Address: prometheus.url("")})
	if err != nil {
		t.Fatal(err)
	}
	return v1.NewAPI(client)
}

// patience is how long tests wait for an event before they fail.
const patience = 5 * time.Minute

// eventually calls done until it returns true. After patience, the test fails with the last
// message.
func eventually(t *testing.T, done func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, message := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", patience, message)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
