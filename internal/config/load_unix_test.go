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

// TestPipes are refused: a reload would wait for ever for what they say next.
func TestPipes(t *testing.T) {
	s := source(t, "instances: [{id_instance: 1, token_file: pipe}]")
	if err := syscall.Mkfifo(filepath.Join(filepath.Dir(s.Path), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(log.NewNopLogger()); err == nil || !strings.Contains(err.Error(), ":1: token_file of instance 1") || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(s.Path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(s.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(log.NewNopLogger()); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("got %v", err)
	}
}
