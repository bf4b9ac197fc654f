//go:build !race

package ledger

// stride is how far apart the offsets are at which files are damaged.
const stride = 1
