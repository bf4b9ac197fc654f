//go:build !unix

package ledger

import "io/fs"

// ownerOf returns the user and the group that own a file.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }
