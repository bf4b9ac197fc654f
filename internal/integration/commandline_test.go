package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestCompletion runs the documented line for bash, and completes a flag and a value.
func TestCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	line := `eval "$(greenapi_exporter --completion-script-bash)"`
	if !strings.Contains(string(page), "    "+line+"\n") {
		t.Errorf("configuration.md lacks %s", line)
	}
	directory := t.TempDir()
	program := filepath.Join(directory, "greenapi_exporter")
	writeFile(t, program, "#!"+bash+"\nTEST_RUN=exporter exec '"+os.Args[0]+"' \"$@\"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(bash, "-euc", line+`
complete -p greenapi_exporter >/dev/null
complete_words() {
	COMP_WORDS=(greenapi_exporter "$@") COMP_CWORD=$#
	_greenapi_exporter_bash_autocomplete
	echo "${COMPREPLY[@]}"
}
complete_words --stor
complete_words --log.level ""
`)
	command.Env = append(os.Environ(), "PATH="+directory+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	want := "--storage.path --storage.retention\ndebug info warn error\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: got %q, want %q", err, out, want)
	}
	out, err = exec.Command(program, "--completion-script-zsh").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "#compdef greenapi_exporter\n") {
		t.Errorf("zsh: %v, %s", err, out)
	}
}

// TestExporterWarnsWithoutStorage requires the warning if and only if --storage.path is not set.
// The demo has no storage by design, so it must not warn.
func TestExporterWarnsWithoutStorage(t *testing.T) {
	warning := regexp.MustCompile(`(?m)^level=warn .*msg="without --storage.path, a restart resets`)
	for want, flag := range map[bool]string{
		true: "--storage.path=", false: "--storage.path=" + t.TempDir(),
	} {
		p := startInstance(t, "http://127.0.0.1:1", flag)
		p.terminate(t)
		if got := warning.MatchString(p.output.String()); got != want {
			t.Errorf("%s: warning %t, want %t:\n%s", flag, got, want, p.output)
		}
	}
	p := startExporter(t, nil, "--demo")
	p.terminate(t)
	if warning.MatchString(p.output.String()) {
		t.Errorf("the demo logs the warning:\n%s", p.output)
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
