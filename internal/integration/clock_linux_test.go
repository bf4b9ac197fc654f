package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"greenapi_exporter/internal/simulator"
)

// movableClock is a clock that a test can move. Simulators and exporters in other processes can use
// it. Moving the clock does not affect timers.
type movableClock struct {
	path   string        // of a file that contains the offset
	offset *atomic.Int64 // from the real time, in nanoseconds; in memory that all processes share
}

// newMovableClock returns a clock that shows the real time until it is moved.
func newMovableClock(tb testing.TB) movableClock {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "clock")
	writeFile(tb, path, strings.Repeat("\x00", 8))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	memory, err := syscall.Mmap(
		int(file.Fd()), 0, 8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Munmap(memory) })
	return movableClock{path, (*atomic.Int64)(unsafe.Pointer(&memory[0]))}
}

func (c movableClock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c movableClock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// command returns a command that runs the exporter with this clock.
func (c movableClock) command(tb testing.TB, args ...string) *exec.Cmd {
	tb.Helper()
	program, err := movedExporter()
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "TEST_CLOCK="+c.path)
	return command
}

// startInstance is like the function startInstance, but the exporter uses this clock.
func (c movableClock) startInstance(tb testing.TB, url string, args ...string) *process {
	tb.Helper()
	command := c.command(tb, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
	command.Env = append(command.Env, instanceEnv(url)...)
	p, _ := start(tb, command, exporterReady)
	return p
}

// movedExporter builds an exporter whose package time reads the file that TEST_CLOCK names. The
// first build on a machine also compiles the standard library, which takes a minute.
var movedExporter = sync.OnceValues(func() (program string, _ error) {
	directory, err := os.MkdirTemp("", "greenapi_exporter")
	if err != nil {
		return "", err
	}
	programDirectory = directory
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	original := filepath.Join(string(bytes.TrimSpace(goroot)), "src", "time", "time.go")
	renamed := filepath.Join(directory, "time.go")
	if err := renameNow(original, renamed); err != nil {
		return "", err
	}
	added, err := filepath.Abs("testdata/clock.go")
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		original: renamed,
		filepath.Join(filepath.Dir(original), "clock.go"): added,
	}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(directory, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		return "", err
	}
	return buildExporter(directory, "-overlay="+path)
})

// renameNow writes a copy of Go's time.go to the file renamed. In the copy, the functions that
// testdata/clock.go replaces have other names.
func renameNow(original, renamed string) error {
	source, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	for _, name := range []string{"Now", "Since", "Until"} {
		declaration := []byte("\nfunc " + name + "(")
		if n := bytes.Count(source, declaration); n != 1 {
			return fmt.Errorf("%s has %d declarations of %s, want one: adapt renameNow to this Go",
				original, n, name)
		}
		source = bytes.Replace(source, declaration, []byte("\nfunc real"+name+"("), 1)
	}
	return os.WriteFile(renamed, source, 0o600)
}

// buildExporter builds the program as it is released, with additional flags of go build.
func buildExporter(directory string, flags ...string) (program string, _ error) {
	program = filepath.Join(directory, "greenapi_exporter")
	build := exec.Command("go", append(append(
		[]string{"build", "-trimpath", "-buildvcs=false", "-o", program}, flags...),
		"greenapi_exporter")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, output)
	}
	return program, nil
}

// TestClockOfExporterMoves checks that readings have the time of the clock, and that a scrape
// directly after a move makes a call.
func TestClockOfExporterMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("the first build compiles the standard library")
	}
	clock := newMovableClock(t)
	_, a := serveSimulator(t, simulator.Config{Now: clock.now})
	p := clock.startInstance(t, a.URL)
	for _, move := range []time.Duration{0, 48 * time.Hour, 3 * time.Second} {
		clock.advance(move)
		begin := clock.now().Truncate(time.Millisecond)
		got := scrape(t, p.url+"/metrics")
		got.assert(t, 1, "greenapi_up")
		const name = "greenapi_collector_last_success_timestamp_seconds"
		last, _ := got.value(name, "collector", "outgoing")
		if at := time.UnixMilli(int64(last * 1e3)); at.Before(begin) || at.After(clock.now()) {
			t.Errorf("after a move by %v, %s is %v, want a time from %v on", move, name, at, begin)
		}
	}
}
