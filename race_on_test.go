//go:build race

package main

// raceDetector is on: memory is then not what users will see.
const raceDetector = true
