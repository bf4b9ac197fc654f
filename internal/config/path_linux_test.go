package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/osuser"
)

// asOtherUser calls f as a user who owns no file, if the test runs as root.
func asOtherUser(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		const other, unchanged = 54321, ^uintptr(0)
		_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, unchanged, other, unchanged)
		if errno != 0 && os.Geteuid() == 0 {
			t.Errorf("cannot change the user: %v", errno)
			return
		}
		f()
	}()
	<-done
}

func TestUnreadableFilesAreRejectedWithUserAndPath(t *testing.T) {
	s := newSource(t, "instances: [{id_instance: 1, token_file: unreadable}]")
	dir := filepath.Dir(s.Path)
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // os.MkdirTemp uses 0700
		t.Fatal(err)
	}
	token := filepath.Join(dir, "unreadable")
	if err := os.WriteFile(token, []byte(secret), 0o000); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.Path, 0o444); err != nil {
		t.Fatal(err)
	}
	asOtherUser(t, func() {
		want := func(what string, err error, path string) {
			t.Helper()
			if err == nil {
				t.Errorf("%s: no error", what)
				return
			}
			text := err.Error()
			user := osuser.Current()
			for _, part := range []string{user + " has no permission", path, "change the owner"} {
				if !strings.Contains(text, part) {
					t.Errorf("%s: got %q, want %q", what, text, part)
				}
			}
		}
		_, err := s.Load(log.NewNopLogger())
		want("token file of an instance", err, ":1: token_file of instance 1 ")
		want("token file of an instance", err, " to read "+token+";")

		f := validFlags()
		f.Token, f.TokenFile = "", token
		_, err = f.Validate(log.NewNopLogger())
		want("token file of a flag", err, token)

		_, err = Source{Path: token}.Load(log.NewNopLogger())
		want("configuration file", err, "(GREENAPI_CONFIG_FILE) "+token)
	})
	if os.Geteuid() == 0 && osuser.Current() != "user root (0)" {
		t.Errorf("got %s", osuser.Current())
	}
}
