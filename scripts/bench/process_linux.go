package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime is the CPU time that a process has used, on all its threads, in user and in
// kernel mode; 0 is this process. It asks the clock that clock_getcpuclockid(3) names,
// which counts nanoseconds where /proc/PID/stat counts hundredths of a second.
func cpuTime(pid int) (time.Duration, error) {
	const perProcess = 2 // CPUCLOCK_SCHED of <linux/posix-timers.h>
	clock := ^pid<<3 | perProcess
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, errno)
	}
	return time.Duration(now.Nano()), nil
}

// resident is the memory of a process that is in RAM, and the most that ever was since
// the last resetPeak, in bytes.
func resident(pid int) (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &now, "VmHWM": &peak}[name]
		if into == nil {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		*into = kilobytes << 10
	}
	if now == 0 || peak == 0 {
		return 0, 0, fmt.Errorf("memory of process %d: its status names none", pid)
	}
	return now, peak, nil
}

// resetPeak makes the peak of resident count from now on.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
