package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listens finds in what a program logs where it listens.
var listens = regexp.MustCompile(`(?i)(?:listening on.*?|started greenapi_exporter.* address=)(127\.0\.0\.1:[0-9]+)(.*)`)

// startListening starts a program that listens on a port of its choice, and returns its URL and what stands behind that.
func startListening(b *testing.B, command *exec.Cmd) (url, about string) {
	b.Helper()
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	late := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewReader(output)
	var log strings.Builder
	for {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if match := listens.FindStringSubmatch(line); match != nil {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return "http://" + match[1], match[2]
		}
		if err != nil {
			b.Fatalf("%s did not start: %s", filepath.Base(command.Path), &log)
		}
	}
}

// playing is this test binary in a role of beAPeer.
func playing(role string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "BE_A_PEER="+role)
	return command
}

// recorded is the recorded API: where it is, and of its journal how many rows there are, how many with an idMessage, how
// many with a statusMessage, and how many bytes that is.
type recorded struct {
	url                      string
	rows, named, told, bytes int
}

func startRecordedAPI(b *testing.B, s peersSize) recorded {
	b.Helper()
	url, about := startListening(b, playing(fmt.Sprintf("api %d %s", s.rows, s.kind)))
	r := recorded{url: url}
	if _, err := fmt.Sscan(about, &r.rows, &r.named, &r.told, &r.bytes); err != nil {
		b.Fatal(err)
	}
	return r
}

func startBody(b *testing.B, api recorded, name, role string) *peer {
	b.Helper()
	command := playing(role + " " + api.url + journalPath)
	url, _ := startListening(b, command)
	return &peer{Cmd: command, name: name, url: url + "/metrics", counts: "read_bytes", want: float64(api.bytes)}
}

func startEncodingJSON(b *testing.B, api recorded) *peer {
	b.Helper()
	command := playing("json " + api.url + journalPath)
	url, _ := startListening(b, command)
	return &peer{Cmd: command, name: "encoding/json", url: url + "/metrics", counts: "messages", want: float64(api.rows)}
}

// startExporterPeer builds the program as it ships, which the test binary is not, and starts it as its user would.
func startExporterPeer(b *testing.B, api recorded, name string, args ...string) *peer {
	b.Helper()
	program := filepath.Join(b.TempDir(), "greenapi_exporter")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "greenapi_exporter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, output)
	}
	command := exec.Command(program, append([]string{"--web.listen-address=127.0.0.1:0", "--no-collector.state", "--no-collector.queue"}, args...)...)
	command.Env = append(os.Environ(), "GREENAPI_URL="+api.url, "GREENAPI_ID_INSTANCE="+testID, tokenVariable+"="+secret)
	url, _ := startListening(b, command)
	return &peer{Cmd: command, name: name, url: url + "/metrics", counts: "greenapi_outgoing_window_messages", want: float64(api.rows)}
}
