package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

func TestStorageWithoutDirectoryIsInMemory(t *testing.T) {
	s, err := OpenStorage("", log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l, err := s.Ledger(testID, testOptions(60), at(0))
		if err != nil || l.Summary() != nil {
			t.Fatalf("got %+v, %v; want a new ledger", l.Summary(), err)
		}
		commit(l, 0, testRow(1, "text", "sent", 0))
		l.Persist(PollState{Called: at(0)})
		l.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenStorageRejectsUnwritableDirectory(t *testing.T) {
	root := t.TempDir()
	file, link := filepath.Join(root, "file"), filepath.Join(root, "link")
	missing := filepath.Join(root, "missing")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(missing, link)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	token := "secret" + strings.Repeat("0123456789abcdef", 3)
	cases := map[string]string{ // the path to a part of the error
		file:                         file + " is not a directory",
		filepath.Join(file, "below"): file + " is not a directory",
		link:                         link + " is a symbolic link to " + missing,
		filepath.Join(link, "below"): link + " is a symbolic link to " + missing,
		"~/ledgers":                  "~/ledgers begins with ~",
		"~":                          "use the full path",
		"$HOME/ledgers":              "$HOME/ledgers begins with $",
		`"` + root + `"`:             "begins with a quote",
		"https://localhost/secret":   "it is a URL",
		token:                        "it looks like a token",
	}
	if runtime.GOOS == "linux" {
		cases["/proc"], cases["/proc/below"] = "can write to", "can write to"
	}
	for directory, want := range cases {
		_, err := OpenStorage(directory, log.NewNopLogger())
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "; ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v, want one with %q and advice", directory, err, want)
		}
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v, error %v; want only the file and the link", entries, err)
	}
}

func TestOpenStorageLocksDirectory(t *testing.T) {
	s := newTestStorage(t)
	s.assertLocked(t)
	if err := s.storage.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := OpenStorage(s.directory, log.NewNopLogger())
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestRemovedLockIsTakenAgain(t *testing.T) {
	for name, remove := range map[string]func(directory string) error{
		"lock": func(directory string) error {
			return os.Remove(filepath.Join(directory, "lock"))
		},
		"directory": os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			l := s.restart(t, 0)
			commit(l, 0, testRow(1, "text", "sent", -5))
			if err := remove(s.directory); err != nil {
				t.Fatal(err)
			}
			last := commit(l, 1, testRow(2, "text", "sent", 0.5))
			s.assertLocked(t)
			s.assertStored(t, 1, last)
			s.assertWarnings(t)
		})
	}
}

func TestLedgerDoesNotWriteWithoutLock(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	if err := os.Remove(filepath.Join(s.directory, "lock")); err != nil {
		t.Fatal(err)
	}
	second, err := OpenStorage(s.directory, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	before := s.read(t)
	for i := range 3 {
		minute := float64(i + 1)
		summary := commit(l, minute, testRow(uint64(i+2), "text", "sent", 0.5))
		if summary.Messages != i+2 {
			t.Errorf("Messages = %d, want %d", summary.Messages, i+2)
		}
	}
	if !bytes.Equal(s.read(t), before) || s.storage.Failures() != 3 {
		t.Errorf("%d failures, want 3 and an unchanged file", s.storage.Failures())
	}
	s.assertWarnings(t, "in use by another exporter")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	s.assertStored(t, 4, commit(l, 4, testRow(5, "text", "read", 0.5)))
}

// OpenStorage cannot create the lock file on a full disk. The first write with space locks the
// directory.
func TestWriteTakesMissingLock(t *testing.T) {
	s := &testStorage{directory: filepath.Join(t.TempDir(), "ledgers")}
	s.storage = newStorage(s.directory, log.NewLogfmtLogger(log.NewSyncWriter(&s.log)))
	t.Cleanup(func() { _ = s.storage.Close() })
	l := s.load(t, testOptions(60), 0)
	last := commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	s.assertLocked(t)
	s.assertStored(t, 1, last)
}

func TestUnreadableFileIsAnError(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"directory":    func(path string) error { return os.Mkdir(path, 0o700) },
		"symlink loop": func(path string) error { return os.Symlink(path, path) },
	} {
		s := newTestStorage(t)
		if err := create(s.path()); err != nil {
			t.Fatal(err)
		}
		_, err := s.storage.Ledger(testID, testOptions(60), at(0))
		if err == nil || !strings.Contains(err.Error(), s.path()) ||
			!strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: got error %v, want one with the path and advice", name, err)
		}
	}
}

func TestOldTemporaryFileIsRemoved(t *testing.T) {
	s := newTestStorage(t)
	if err := os.WriteFile(s.path()+tmpSuffix, []byte("half a snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.restart(t, 0)
	if paths := s.glob(t, "*"); len(paths) > 0 {
		t.Errorf("files %v remain", paths)
	}
}
