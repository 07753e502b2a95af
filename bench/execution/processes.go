package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is what /proc says of one.
type process struct {
	pid     int
	command string
	// cpu is what it has used, and what those of its children had that have ended.
	cpu time.Duration
}

func (p process) isPage() bool { return strings.Contains(p.command, "--type=renderer") }

// tick is the unit in which Linux counts processor time.
const tick = 10 * time.Millisecond

// below lists a process and those below it; none where there is no /proc.
func below(root int) []process {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	children, all := map[int][]int{}, map[int]process{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		const used = 11 // by itself in two modes, and by its children
		if len(fields) < used+4 || fields[0] == "Z" {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		p := process{pid: pid}
		for _, field := range fields[used : used+4] {
			ticks, _ := strconv.Atoi(field)
			p.cpu += time.Duration(ticks) * tick
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		p.command = strings.ReplaceAll(string(command), "\x00", " ")
		children[parent] = append(children[parent], pid)
		all[pid] = p
	}
	var found []process
	for look := []int{root}; len(look) > 0; look = look[1:] {
		if p, ok := all[look[0]]; ok {
			found = append(found, p)
		}
		look = append(look, children[look[0]]...)
	}
	return found
}

// usage is the processor time of a process and all that it started.
func usage(root int) time.Duration {
	var sum time.Duration
	for _, p := range below(root) {
		sum += p.cpu
	}
	return sum
}

// renderers lists the processes of pages below a process.
func renderers(root int) map[int]bool {
	found := map[int]bool{}
	for _, p := range below(root) {
		if p.isPage() {
			found[p.pid] = true
		}
	}
	return found
}

// minus returns those that are not among others.
func minus(all, others map[int]bool) map[int]bool {
	left := map[int]bool{}
	for pid := range all {
		if !others[pid] {
			left[pid] = true
		}
	}
	return left
}
