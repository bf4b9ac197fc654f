// Package osuser names users of the operating system in errors.
package osuser

import (
	"os"
	"os/user"
	"strconv"
)

// Current returns the name and the number of the user that the process runs as, as Name does.
func Current() string { return Name(os.Geteuid()) }

// Name returns the name and the number of a user, such as "user root (0)". It returns only the
// number if the system does not know the user.
func Name(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return "user " + u.Username + " (" + id + ")"
	}
	return "user " + id
}
