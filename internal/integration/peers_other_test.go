//go:build !linux

package integration

import "errors"

func usageOf(int) (usage, error) {
	return usage{}, errors.New("what another process has used is asked for in Linux's way alone")
}
