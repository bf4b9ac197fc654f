package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-kit/log"
	sys "golang.org/x/sys/unix"
)

// asUser calls do as another user, who can reach the directory. Only root may do that.
func asUser(t *testing.T, uid int, directory string, do func()) {
	t.Helper()
	for parent := directory; parent != os.TempDir() && parent != "/"; {
		parent = filepath.Dir(parent)
		if info, err := os.Stat(parent); err != nil || os.Chmod(parent, info.Mode()|0o711) != nil {
			break
		}
	}
	if err := syscall.Setresuid(-1, uid, -1); err != nil {
		t.Skip("this user may not become another one")
	}
	defer func() {
		if err := syscall.Setresuid(-1, 0, -1); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}

func TestFileOfAnotherUserIsExplained(t *testing.T) {
	const otherUser = 65534
	for name, prepare := range map[string]func(directory string) (path string, mode os.FileMode){
		"directory": func(directory string) (string, os.FileMode) { return directory, 0o700 },
		"read-only": func(directory string) (string, os.FileMode) { return directory, 0o555 },
		"lock": func(directory string) (string, os.FileMode) {
			return filepath.Join(directory, "lock"), 0o600
		},
		"ledger": func(directory string) (string, os.FileMode) {
			return filepath.Join(directory, testID+".ledger"), 0o600
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			commit(s.restart(t, 0), 0, testRow(1, "text", "sent", -5))
			s.wait()
			_ = s.storage.Close()
			path, mode := prepare(s.directory)
			chmod(t, s.directory, 0o777)
			chmod(t, filepath.Join(s.directory, "lock"), 0o777)
			chmod(t, s.path(), 0o777)
			chmod(t, path, mode)
			var err error
			asUser(t, otherUser, s.directory, func() {
				var storage *Storage
				if storage, err = OpenStorage(s.directory, log.NewNopLogger()); err == nil {
					_, err = storage.Ledger(testID, testOptions(60), at(1))
					_ = storage.Close()
				}
			})
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range []string{
				path, "permission denied", "(0)", "(65534)", mode.String()[1:], "change the owner",
			} {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got error %v, want one line with %q", err, want)
				}
			}
		})
	}
}

func TestReadOnlyFileSystemIsExplained(t *testing.T) {
	directory := mountDisk(t, "size=1m")
	if err := remount(directory, sys.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{directory, filepath.Join(directory, "below")} {
		_, err := OpenStorage(path, log.NewNopLogger())
		if err == nil || !strings.Contains(err.Error(), path) ||
			!strings.Contains(err.Error(), "mount it writable") {
			t.Errorf("got error %v, want one with the path and advice", err)
		}
	}
}
