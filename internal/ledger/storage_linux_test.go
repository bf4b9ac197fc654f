package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	sys "golang.org/x/sys/unix"
)

// mountDisk mounts a small disk. In most environments only root may mount. file_test.go tests
// failing directories without a mount.
func mountDisk(t *testing.T, options string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	err := sys.Mount("tmpfs", directory, "tmpfs", 0, options)
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		t.Skip("this user may not mount")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Unmount(directory, sys.MNT_DETACH) })
	return directory
}

func remount(directory string, flags uintptr, options string) error {
	return sys.Mount("tmpfs", directory, "tmpfs", sys.MS_REMOUNT|flags, options)
}

func TestDiskOutageLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		options  string
		readings int // before the outage
		fail     func(directory string) error
		repair   func(directory string) error
		err      string
	}{
		"no inodes at start": {
			options: "nr_inodes=1",
			repair:  func(directory string) error { return remount(directory, 0, "nr_inodes=100") },
			err:     "no space left",
		},
		"full during the run": {
			options: "size=256k", readings: 3,
			fail: func(directory string) error {
				err := os.WriteFile(filepath.Join(directory, "filler"), make([]byte, 1<<20), 0o600)
				if errors.Is(err, sys.ENOSPC) {
					return nil
				}
				return errors.Join(errors.New("the disk is not full"), err)
			},
			repair: func(directory string) error {
				return os.Remove(filepath.Join(directory, "filler"))
			},
			err: "no space left",
		},
		"read-only during the run": {
			options: "size=1m", readings: 3,
			fail:   func(directory string) error { return remount(directory, sys.MS_RDONLY, "") },
			repair: func(directory string) error { return remount(directory, 0, "") },
			err:    "read-only file system",
		},
	} {
		t.Run(name, func(t *testing.T) {
			directory := mountDisk(t, c.options)
			s := &testStorage{directory: filepath.Join(directory, "ledgers")}
			l := s.restart(t, 0)
			t.Cleanup(func() { _ = s.storage.Close() })
			minute := 0.0
			next := func() *Summary {
				minute++
				added := testRow(uint64(minute)<<40, "text", "sent", minute)
				return commit(l, minute, append(manyRows(2000), added)...)
			}
			for range c.readings {
				next()
			}
			s.wait()
			if c.fail == nil {
				s.assertWarnings(t, c.err)
			} else {
				s.assertWarnings(t)
				if err := c.fail(directory); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 30 {
				if want, summary := 2000+c.readings+i+1, next(); summary.Messages != want {
					t.Fatalf("Messages = %d, want %d", summary.Messages, want)
				}
			}
			s.assertWarnings(t, c.err)
			if s.storage.Failures() == 0 {
				t.Error("Failures() = 0 during the outage")
			}
			if err := c.repair(directory); err != nil {
				t.Fatal(err)
			}
			last := next()
			s.assertLocked(t)
			s.assertStored(t, minute, last)
			if n := s.storage.Damaged(); n > 0 {
				t.Errorf("%d damaged files", n)
			}
		})
	}
}
