package ledger

import (
	"io/fs"
	"os"
	"path/filepath"
)

// privateMode is the mode of files that only the exporter's user needs.
const privateMode fs.FileMode = 0o600

// copyMode gives a new file the mode and the group of the file at path, which it will replace. If
// the user has not changed the mode of that file, the new one gets the mode for files of the
// directory. The umask has no effect. Errors do not matter: some file systems have no modes.
func copyMode(file *os.File, path string) {
	mode := modeIn(filepath.Dir(path))
	created, err := file.Stat()
	if err != nil {
		return
	}
	if replaced, err := os.Lstat(path); err == nil && replaced.Mode().IsRegular() {
		if perm := replaced.Mode().Perm(); perm != privateMode {
			mode = perm | privateMode
		}
		_, group, _ := ownerOf(replaced)
		if _, createdGroup, ok := ownerOf(created); ok && group != createdGroup {
			_ = file.Chown(-1, group) // fails if this user is not in the group
		}
	}
	if created.Mode().Perm() != mode {
		_ = file.Chmod(mode)
	}
}

// modeIn returns the mode for files of a directory. A setgid directory is shared with its group,
// which gets the permissions that it has on the directory.
func modeIn(directory string) fs.FileMode {
	info, err := os.Stat(directory)
	if err != nil || info.Mode()&fs.ModeSetgid == 0 {
		return privateMode
	}
	return privateMode | info.Mode().Perm()&0o060
}

// makeDirectory creates a directory unless it exists. In a setgid directory, the group gets the
// permissions that it has on that directory.
func makeDirectory(path string) error {
	_, statErr := os.Stat(path)
	if err := os.MkdirAll(path, 0o700); err != nil || statErr == nil {
		return err
	}
	parent, err := os.Stat(filepath.Dir(path))
	if err != nil || parent.Mode()&fs.ModeSetgid == 0 {
		return err
	}
	return os.Chmod(path, fs.ModeSetgid|0o700|parent.Mode().Perm()&0o070)
}
