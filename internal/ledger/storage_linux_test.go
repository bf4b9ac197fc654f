package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-kit/log"
	sys "golang.org/x/sys/unix"
)

// mountDisk mounts a small disk of its own, and returns how to change it. Only root may, in most places; what such disks
// do is tested without, too, in store_test.go and by the limits of a process in storage_linux_test.go.
func mountDisk(t *testing.T, options string) (directory string, remount func(flags uintptr, options string)) {
	t.Helper()
	directory = t.TempDir()
	if err := sys.Mount("tmpfs", directory, "tmpfs", 0, options); errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		t.Skip("this user may not mount")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Unmount(directory, sys.MNT_DETACH) })
	return directory, func(flags uintptr, options string) {
		t.Helper()
		if err := sys.Mount("tmpfs", directory, "tmpfs", sys.MS_REMOUNT|flags, options); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDisksThatFail at the start or in mid-run, and are well again: nothing is lost, and the log says it once.
func TestDisksThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		before  int // readings
		fail    func(directory string, remount func(uintptr, string)) error
		repair  func(directory string, remount func(uintptr, string)) error
		says    string
	}{
		"no room for a file at the start": {
			options: "nr_inodes=1",
			repair:  func(_ string, remount func(uintptr, string)) error { remount(0, "nr_inodes=100"); return nil },
			says:    "no space left",
		},
		"full in mid-run": {
			options: "size=256k", before: 3,
			fail: func(directory string, _ func(uintptr, string)) error {
				err := os.WriteFile(filepath.Join(directory, "filler"), make([]byte, 1<<20), 0o600)
				if errors.Is(err, sys.ENOSPC) {
					return nil
				}
				return errors.Join(errors.New("it was not filled"), err)
			},
			repair: func(directory string, _ func(uintptr, string)) error {
				return os.Remove(filepath.Join(directory, "filler"))
			},
			says: "no space left",
		},
		"read-only in mid-run": {
			options: "size=1m", before: 3,
			fail:   func(_ string, remount func(uintptr, string)) error { remount(sys.MS_RDONLY, ""); return nil },
			repair: func(_ string, remount func(uintptr, string)) error { remount(0, ""); return nil },
			says:   "read-only file system",
		},
	} {
		t.Run(name, func(t *testing.T) {
			directory, remount := mountDisk(t, c.options)
			d := &disk{directory: filepath.Join(directory, "ledgers")}
			l := d.ledger(t, 0)
			t.Cleanup(func() { _ = d.storage.Close() })
			minute := 0.0
			next := func() *Summary {
				minute++
				return takeReading(l, minute, append(manyRows(2000), messageRow(uint64(minute)<<40, "text", "sent", minute))...)
			}
			for range c.before {
				next()
			}
			l.persister.snapshots.Wait()
			atTheStart := c.fail == nil
			if lines := d.logged(); atTheStart != (len(lines) == 1 && strings.Contains(lines[0], c.says)) || !atTheStart && len(lines) > 0 {
				t.Errorf("at the start it logged %q", lines)
			}
			if !atTheStart {
				if err := c.fail(directory, remount); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 30 {
				if r := next(); r.Messages != 2000+c.before+i+1 {
					t.Fatalf("%d messages", r.Messages)
				}
			}
			if lines := d.logged(); len(lines) != 1 || !strings.Contains(lines[0], c.says) || d.storage.Failures() == 0 {
				t.Errorf("%d failures, logged %q", d.storage.Failures(), lines)
			}
			if err := c.repair(directory, remount); err != nil {
				t.Fatal(err)
			}
			last := next()
			if _, err := OpenStorage(d.directory, log.NewNopLogger()); !errors.Is(err, errLocked) {
				t.Errorf("a second exporter: %v", err)
			}
			if r := d.ledger(t, minute).Summary(); !equalSummaries(r, last) || d.storage.Damaged() > 0 {
				t.Errorf("on file is %+v, want %+v", r, last)
			}
		})
	}
}
