//go:build race

package ledger

// stride is larger under the race detector, which makes these tests five times slower and has nothing to find in them: they
// are of one goroutine.
const stride = 7
