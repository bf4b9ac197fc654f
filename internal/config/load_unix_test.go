//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-kit/log"
)

// TestPipesAreRejected checks files that a reload could block on.
func TestPipesAreRejected(t *testing.T) {
	s := newSource(t, "instances: [{id_instance: 1, token_file: pipe}]")
	if err := syscall.Mkfifo(filepath.Join(filepath.Dir(s.Path), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Load(log.NewNopLogger())
	if err == nil || !strings.Contains(err.Error(), ":1: token_file of instance 1 ") ||
		!strings.Contains(err.Error(), "regular file") {
		t.Errorf("token file: got %v", err)
	}
	if err := os.Remove(s.Path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(s.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Load(log.NewNopLogger())
	if err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("got %v", err)
	}
}
