package integration

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is the resources that a process has used since its start.
type usage struct {
	cpu  time.Duration // in user and kernel mode, including ended threads
	peak float64       // of the resident memory, in bytes
}

// usageOf reads the CPU clock of the process, which counts nanoseconds. /proc/PID/stat counts ticks
// of 10 ms.
func usageOf(pid int) (u usage, err error) {
	// clock_getcpuclockid(3) and CPUCLOCK_SCHED in Linux's posix-timers.h define the number of the
	// clock.
	const scheduler = 2
	var clock unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &clock); err != nil {
		return u, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	u.cpu = time.Duration(clock.Nano())
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	_, after, _ := strings.Cut(string(status), "\nVmHWM:")
	if _, err := fmt.Sscan(after, &u.peak); err != nil {
		return u, fmt.Errorf("read VmHWM of process %d: %w", pid, err)
	}
	u.peak *= 1024
	return u, nil
}
