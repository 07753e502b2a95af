package config

import (
	"maps"
	"os"
	"runtime"
	"strconv"
	"strings"
)

const (
	concurrencyVariable = "QUEUE_CONCURRENCY"
	// Auto is a concurrency that follows the memory and CPUs of the machine.
	Auto = "auto"

	runsPerCPU = 2
	// memoryPerRun is what the pages of one run take, memoryBeside what the worker, the driver and the browser itself do.
	memoryPerRun = 400 << 20
	memoryBeside = 600 << 20
	mostSlots    = 32
)

// sized puts a number in the place of auto.
func sized(values map[string]string) map[string]string {
	if values[concurrencyVariable] != Auto {
		return values
	}
	values = maps.Clone(values)
	values[concurrencyVariable] = strconv.Itoa(Slots(runtime.GOMAXPROCS(0), memory()))
	return values
}

// Slots is how many runs fit into so many CPUs and bytes; memory that is not known is 0.
func Slots(cpus int, memory int64) int {
	slots := runsPerCPU * cpus
	if memory > 0 {
		slots = min(slots, int((memory-memoryBeside)/memoryPerRun))
	}
	return max(1, min(slots, mostSlots))
}

// memory is what the container, or else the machine, has; 0 if that is not known.
func memory() int64 {
	whole := int64(0)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemTotal:" {
				n, _ := strconv.ParseInt(fields[1], 10, 64)
				whole = n << 10
			}
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 && (whole == 0 || limit < whole) {
			return limit
		}
	}
	return whole
}
