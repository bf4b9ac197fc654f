//go:build unix

package ledger

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// chmod sets the mode of a file, whatever the umask is.
func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func assertMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has the mode %s, want %s", filepath.Base(path), got, want)
	}
}

// A directory that is setgid is shared with its group.
func TestFilesHaveTheGroupPermissionsOfASetgidDirectory(t *testing.T) {
	for directory, want := range map[fs.FileMode]fs.FileMode{
		fs.ModeSetgid | 0o770: 0o660,
		fs.ModeSetgid | 0o750: 0o640,
		fs.ModeSetgid | 0o700: 0o600,
		fs.ModeSetgid | 0o777: 0o660,
		0o770:                 0o600,
	} {
		for _, umask := range []int{0o022, 0o077, 0} {
			s := newTestStorage(t)
			chmod(t, s.directory, directory)
			_ = os.Remove(filepath.Join(s.directory, "lock"))
			previous := syscall.Umask(umask)
			l := s.restart(t, 0)
			commit(l, 0, testRow(1, "text", "sent", -5))
			s.wait()
			assertMode(t, s.path(), want)
			assertMode(t, filepath.Join(s.directory, "lock"), want)
			chmod(t, s.path(), 0o600) // as earlier releases have created it
			commit(l, 1, testRow(2, "text", "sent", 0.5))
			l.Close()
			assertMode(t, s.path(), want)
			syscall.Umask(previous)
		}
	}
}

func TestReplacedFileKeepsItsMode(t *testing.T) {
	for _, directory := range []fs.FileMode{0o700, fs.ModeSetgid | 0o770} {
		for _, mode := range []fs.FileMode{0o640, 0o644, 0o660, 0o666} {
			s := newTestStorage(t)
			chmod(t, s.directory, directory)
			l := s.restart(t, 0)
			commit(l, 0, testRow(1, "text", "sent", -5))
			s.wait()
			chmod(t, s.path(), mode)
			last := commit(l, 1, testRow(2, "text", "sent", 0.5))
			before, err := os.Stat(s.path())
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			if after, err := os.Stat(s.path()); err != nil || os.SameFile(before, after) {
				t.Errorf("the file was not replaced, error %v", err)
			}
			assertMode(t, s.path(), mode)
			s.assertStored(t, 2, last)
		}
	}
}

func TestReplacedFileKeepsItsGroup(t *testing.T) {
	const group = 65534
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	if err := os.Chown(s.path(), -1, group); err != nil {
		t.Skip("this user may not change the group")
	}
	commit(l, 1, testRow(2, "text", "sent", 0.5))
	l.Close()
	info, err := os.Stat(s.path())
	if err != nil {
		t.Fatal(err)
	}
	if _, got, _ := ownerOf(info); got != group {
		t.Errorf("the file has the group %d, want %d", got, group)
	}
}

// The directory that the exporter creates in a setgid directory has the same group.
func TestCreatedDirectoryIsSharedWithTheGroup(t *testing.T) {
	parent := t.TempDir()
	chmod(t, parent, fs.ModeSetgid|0o770)
	s := &testStorage{directory: filepath.Join(parent, "ledgers")}
	l := s.restart(t, 0)
	defer func() { _ = s.storage.Close() }()
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	assertMode(t, s.directory, 0o770)
	assertMode(t, s.path(), 0o660)
}
