//go:build race

package integration

// raceDetector is on: memory is then not what users will see.
const raceDetector = true
