package integration

import (
	"bufio"
	"bytes"
	"context"
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
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"greenapi_exporter/internal/app"
	"greenapi_exporter/internal/simulator"
)

const (
	testID        = "1101000001"
	journalMethod = "lastOutgoingMessages"
	tokenVariable = "GREENAPI_API_TOKEN_INSTANCE"

	secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
)

var embedded = app.Embedded{Version: "0.0.0-test", Readme: "the README"}

// run is the program inside the test's process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return app.Run(ctx, args, embedded, stdout, stderr)
}

// TestMain lets the test binary be the exporter, for the tests that need a process of it.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_EXPORTER") != "" {
		os.Exit(app.Main(embedded))
	}
	if fleet := os.Getenv("BE_THE_SIMULATOR"); fleet != "" {
		beTheSimulator(fleet)
	}
	if role := os.Getenv("BE_A_PEER"); role != "" {
		beAPeer(role)
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GREENAPI_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// process is the exporter as a process of its own.
type process struct {
	*exec.Cmd
	base   string // of its pages
	stderr io.Closer
	output *logged
}

// logged collects what a program writes, for many goroutines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// address finds the line of the start in logfmt and in JSON, whose members are sorted.
var address = regexp.MustCompile(`started greenapi_exporter.* address=([0-9.:]+)|"address":"([0-9.:]+)".*started greenapi_exporter`)

// startProcess starts the exporter on a free port with a real instance at url and waits until it serves.
func startProcess(t *testing.T, url string, args ...string) *process {
	t.Helper()
	return startProcessWith(t, []string{"GREENAPI_URL=" + url, "GREENAPI_ID_INSTANCE=" + testID, tokenVariable + "=" + secret}, args...)
}

// startDemoProcess starts its demo.
func startDemoProcess(t *testing.T) *process {
	t.Helper()
	return startProcessWith(t, nil, "--demo")
}

func startProcessWith(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := &process{output: new(logged)}
	p.Cmd = exec.Command(os.Args[0], append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
	p.Env = append(append(os.Environ(), "BE_THE_EXPORTER=1"), env...)
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout, p.stderr = p.output, stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	lines := bufio.NewReader(stderr)
	for p.base == "" {
		line, err := lines.ReadString('\n')
		fmt.Fprint(p.output, line)
		if match := address.FindStringSubmatch(line); match != nil {
			p.base = "http://" + match[1] + match[2]
		}
		if err != nil {
			t.Fatalf("it did not start: %s", p.output)
		}
	}
	go func() { _, _ = io.Copy(p.output, lines) }()
	return p
}

// families scrapes url.
func families(t testing.TB, url string, header ...string) map[string]*dto.MetricFamily {
	t.Helper()
	return familiesWithin(t.Context(), t, url, header...)
}

func familiesWithin(ctx context.Context, t testing.TB, url string, header ...string) map[string]*dto.MetricFamily {
	t.Helper()
	byName, err := tryFamilies(ctx, url, header...)
	if err != nil {
		t.Fatal(err)
	}
	return byName
}

// tryFamilies scrapes an exporter that may be killed meanwhile.
func tryFamilies(ctx context.Context, url string, header ...string) (map[string]*dto.MetricFamily, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(body))
}

// sampleOf is the value of the series of the family with these labels, given as name and value in turn; ok if there is one.
func sampleOf(f *dto.MetricFamily, labels ...string) (v float64, ok bool) {
	for _, m := range f.GetMetric() {
		has := make(map[string]string)
		for _, l := range m.Label {
			has[l.GetName()] = l.GetValue()
		}
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && has[labels[i]] == labels[i+1]
		}
		if matches {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

func assertValue(t testing.TB, families map[string]*dto.MetricFamily, want float64, name string, labels ...string) {
	t.Helper()
	if got, ok := sampleOf(families[name], labels...); !ok || got != want {
		t.Errorf("%s %v: got %v (there: %t), want %v", name, labels, got, ok, want)
	}
}

// api is a server that answers every call of the outgoing journal with the handler and counts; all is well with the others.
type api struct {
	*httptest.Server
	mu    sync.Mutex
	calls int
}

func serveAPI(t *testing.T, handler http.HandlerFunc) *api {
	t.Helper()
	a := new(api)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/getStateInstance/"):
			fmt.Fprint(w, `{"stateInstance":"authorized"}`)
			return
		case strings.Contains(r.URL.Path, "/getMessagesCount/"):
			fmt.Fprint(w, `{"count":0}`)
			return
		}
		a.mu.Lock()
		a.calls++
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func TestOneInstanceFromTheEnvironment(t *testing.T) {
	var path string
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.RequestURI
		fmt.Fprint(w, `[{"idMessage":"1","typeMessage":"textMessage","statusMessage":"read","timestamp":1706601634}]`)
	})
	p := startProcess(t, a.URL+"/v3", "--greenapi.minutes=5")
	got := families(t, p.base+"/metrics")
	assertValue(t, got, 1, "greenapi_up", "id_instance", testID)
	assertValue(t, got, 1, "greenapi_outgoing_window_messages", "status", "read", "type", "textMessage")
	if want := "/v3/waInstance" + testID + "/lastOutgoingMessages/" + secret + "?minutes=5"; path != want {
		t.Errorf("asked for %s, want %s", path, want)
	}
	for _, word := range []string{"version=", "id_instance=" + testID, "collectors=outgoing,state,queue ", "window_minutes=5", "address=127.0.0.1:"} {
		if !strings.Contains(p.output.String(), word) {
			t.Errorf("the log of the start lacks %s:\n%s", word, p.output)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for arg, want := range map[string]string{"--help": "--greenapi.minutes=1440", "-h": "GREENAPI_ID_INSTANCE", "--version": "greenapi_exporter, version"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{arg}, &stdout, &stderr); code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: code %d, stderr %q, stdout:\n%s", arg, code, &stderr, &stdout)
		}
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestHelpThatCannotBeWrittenIsAnError(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, full{}, &stderr); code != 1 || !strings.Contains(stderr.String(), "no space") {
		t.Errorf("code %d, stderr %q", code, &stderr)
	}
}

func TestAStartWithoutCollectorsWarns(t *testing.T) {
	for args, want := range map[string]bool{"--collector.disable-defaults": true, "--no-collector.outgoing --no-collector.state --no-collector.queue": true, "--no-collector.outgoing": false, "--log.level=info": false} {
		_, a := serveSimulator(t, simulator.Config{})
		if p := startProcess(t, a.URL, strings.Fields(args)...); strings.Contains(p.output.String(), "all collectors are disabled") != want {
			t.Errorf("%s: logged %s", args, p.output)
		}
	}
}

// TestALogThatNobodyReadsEndsNothing: a pipe whose reader has gone would kill the process.
func TestALogThatNobodyReadsEndsNothing(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultUnauthorized)
	p := startProcess(t, a.URL)
	if err := p.stderr.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		assertValue(t, families(t, p.base+"/metrics"), 0, "greenapi_up")
	}
	stopWith(t, p, nil)
}

const oneInstance = "instances: [{id_instance: 1101000001, token: " + secret + "}]\n"

// TestStartsThatCannotWork end with code 1 and one line that says what to do.
func TestStartsThatCannotWork(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	busy := httptest.NewServer(nil)
	defer busy.Close()
	instance := map[string]string{"GREENAPI_ID_INSTANCE": testID, tokenVariable: secret}
	with := func(variables ...string) map[string]string {
		all := map[string]string{"GREENAPI_ID_INSTANCE": testID, tokenVariable: secret}
		for i := 0; i < len(variables); i += 2 {
			all[variables[i]] = variables[i+1]
		}
		return all
	}
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"nothing is given":               {nil, nil, "GREENAPI_ID_INSTANCE"},
		"no instance":                    {map[string]string{tokenVariable: secret}, nil, "GREENAPI_ID_INSTANCE"},
		"no token":                       {map[string]string{"GREENAPI_ID_INSTANCE": testID}, nil, tokenVariable},
		"a token and a token file":       {instance, []string{"--greenapi.token-file=" + file("token", secret)}, "twice"},
		"the same in the environment":    {with("GREENAPI_TOKEN_FILE", file("token", secret)), nil, "twice"},
		"an empty token file":            {map[string]string{"GREENAPI_ID_INSTANCE": testID, "GREENAPI_TOKEN_FILE": file("empty", "")}, nil, "empty"},
		"a whole request as URL":         {with("GREENAPI_URL", "https://api.green-api.com/waInstance1/x/"+secret), nil, "/waInstance"},
		"http to another host":           {with("GREENAPI_URL", "http://api.green-api.com"), nil, "--greenapi.insecure-http"},
		"minutes of 0":                   {instance, []string{"--greenapi.minutes=0"}, "--greenapi.minutes"},
		"minutes that are no number":     {with("GREENAPI_MINUTES", "a day"), nil, "GREENAPI_MINUTES"},
		"minutes of a fraction":          {instance, []string{"--greenapi.minutes=1.5"}, "--greenapi.minutes"},
		"a timeout without unit":         {instance, []string{"--greenapi.timeout=30"}, "such as 30s"},
		"an interval in days":            {instance, []string{"--greenapi.min-interval=1d"}, "--greenapi.min-interval"},
		"a negative interval":            {instance, []string{"--greenapi.min-interval=-1s"}, "--greenapi.min-interval"},
		"a storage path that is a file":  {instance, []string{"--storage.path=" + file("taken", "")}, "--storage.path (GREENAPI_STORAGE_PATH)"},
		"a ledger that is a directory":   {with("GREENAPI_STORAGE_PATH", ledgerDirectory(t)), nil, "move it away"},
		"a retention that is too short":  {instance, []string{"--storage.retention=1h"}, "--storage.retention"},
		"no calls at all":                {instance, []string{"--greenapi.max-calls=0"}, "--greenapi.max-calls"},
		"a negative limit":               {instance, []string{"--web.max-requests=-1"}, "--web.max-requests"},
		"a negative offset":              {instance, []string{"--web.timeout-offset=-1s"}, "--web.timeout-offset"},
		"a path that is taken":           {instance, []string{"--web.telemetry-path=/"}, "--web.telemetry-path"},
		"a level that is none":           {instance, []string{"--log.level=loud"}, "--log.level"},
		"a format that is none":          {instance, []string{"--log.format=xml"}, "--log.format"},
		"an unknown flag":                {instance, []string{"--greenapi.tokn=x"}, "--help"},
		"the token as a flag":            {instance, []string{"--greenapi.api-token-instance=" + secret}, "--help"},
		"an argument":                    {instance, []string{secret}, "--help"},
		"the token as a flag's name":     {instance, []string{"--" + secret}, "--help"},
		"the token as a file of flags":   {instance, []string{"@" + secret}, "--help"},
		"the token as minutes":           {instance, []string{"--greenapi.minutes=" + secret}, "--greenapi.minutes"},
		"the token as level":             {instance, []string{"--log.level=" + secret}, "--log.level"},
		"the token as token file":        {map[string]string{"GREENAPI_ID_INSTANCE": testID}, []string{"--greenapi.token-file=" + secret}, "--greenapi.token-file"},
		"the token as web config":        {instance, []string{"--web.config.file=" + secret}, "--web.config.file"},
		"the token as short flags":       {instance, []string{"-" + secret}, "--help"},
		"a value for a switch":           {instance, []string{"--demo=true"}, "--no-NAME"},
		"no address":                     {instance, []string{"--web.listen-address="}, "--web.listen-address"},
		"no socket of systemd":           {instance, []string{"--web.systemd-socket"}, "--web.systemd-socket"},
		"a flag twice":                   {instance, []string{"--greenapi.minutes=5", "--greenapi.minutes=6"}, "greenapi.minutes"},
		"a flag without its value":       {instance, []string{"--greenapi.minutes"}, "greenapi.minutes"},
		"a web config that is not there": {instance, []string{"--web.config.file=" + filepath.Join(dir, "absent")}, "--web.config.file"},
		"a web config that is none":      {instance, []string{"--web.config.file=" + file("web.yml", "tls_server_config: 5")}, "--web.config.file"},
		"an address in use":              {instance, []string{"--web.listen-address=" + busy.Listener.Addr().String()}, "--web.listen-address"},
		"an address that is none":        {instance, []string{"--web.listen-address=nowhere"}, "--web.listen-address"},
		"the demo and an instance":       {instance, []string{"--demo"}, "--demo"},
		"an instance and a file":         {instance, []string{"--config.file=" + file("one.yml", oneInstance)}, "remove"},
		"a token file and a file":        {nil, []string{"--config.file=" + file("one.yml", oneInstance), "--greenapi.token-file=" + file("token", secret)}, "remove"},
		"minutes by a flag and the file": {nil, []string{"--config.file=" + file("minutes.yml", "minutes: 5\n"+oneInstance), "--greenapi.minutes=6"}, "minutes.yml:1: minutes is given here and by --greenapi.minutes"},
		"and by a variable":              {map[string]string{"GREENAPI_MIN_INTERVAL": "1m"}, []string{"--config.file=" + file("interval.yml", "min_interval: 5m\n"+oneInstance)}, "by GREENAPI_MIN_INTERVAL"},
		"collectors by both":             {nil, []string{"--config.file=" + file("collectors.yml", "collectors: [state]\n"+oneInstance), "--no-collector.queue"}, "by --collector.queue"},
		"no defaults, and collectors":    {nil, []string{"--config.file=" + file("collectors.yml", "collectors: [state]\n"+oneInstance), "--collector.disable-defaults"}, "by --collector.disable-defaults"},
		"a token for nobody":             {map[string]string{tokenVariable: secret}, []string{"--config.file=" + file("one.yml", oneInstance)}, tokenVariable + " is set"},
		"the demo and a file":            {map[string]string{"GREENAPI_CONFIG_FILE": file("one.yml", oneInstance)}, []string{"--demo"}, "--demo"},
		"a file that is not there":       {nil, []string{"--config.file=" + filepath.Join(dir, "absent")}, "--config.file"},
		"the token as a file":            {nil, []string{"--config.file=" + secret}, "--config.file"},
		"a file with a slip":             {nil, []string{"--config.file=" + file("slip.yml", "minuets: 5\n"+oneInstance)}, "slip.yml:1: unknown key"},
		"a scope that is none":           {instance, []string{"--web.metrics-scope=some"}, "--web.metrics-scope"},
		"the demo and a URL":             {map[string]string{"GREENAPI_URL": "https://a.example"}, []string{"--demo"}, "--demo"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // for what does start
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := run(ctx, c.args, &stdout, &stderr)
			text := stderr.String()
			if code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, c.says) || strings.Contains(text, secret) || stdout.Len() > 0 {
				t.Errorf("code %d, stdout %q, stderr %q; want code 1 and a line with %q", code, &stdout, text, c.says)
			}
		})
	}
}

// ledgerDirectory is a storage path in which a directory has the name of the ledger.
func ledgerDirectory(t *testing.T) string {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, testID+".ledger"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
