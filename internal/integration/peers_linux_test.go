package integration

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usageOf asks the clock that every process has for its CPU, which is exact to nanoseconds where /proc/PID/stat has
// ticks of 10 ms, and which threads that have ended are part of.
func usageOf(pid int) (u usage, err error) {
	var clock unix.Timespec
	const scheduler = 2 // CPUCLOCK_SCHED of Linux's posix-timers.h, as clock_getcpuclockid(3) makes the number of a clock
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &clock); err != nil {
		return u, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	u.cpu = time.Duration(clock.Nano())
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	_, after, _ := strings.Cut(string(status), "\nVmHWM:")
	if _, err := fmt.Sscan(after, &u.peak); err != nil {
		return u, fmt.Errorf("VmHWM of process %d: %w", pid, err)
	}
	u.peak *= 1024
	return u, nil
}
