package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is what /proc says of one.
type process struct {
	pid, parent int
	command     string
	// own is the processor time that it has used, children that of those of its children that have ended and that it has
	// waited for.
	own, children time.Duration
	// ended processes have not been waited for yet.
	ended bool
}

func (p process) isPage() bool { return !p.ended && strings.Contains(p.command, "--type=renderer") }

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
		if len(fields) < used+4 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		p := process{pid: pid, parent: parent, ended: fields[0] == "Z"}
		for i, field := range fields[used : used+4] {
			ticks, _ := strconv.Atoi(field)
			if i < 2 {
				p.own += time.Duration(ticks) * tick
			} else {
				p.children += time.Duration(ticks) * tick
			}
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

// usage is the processor time of all that this program has started, and of the part of it that has ended. None gets lost
// when processes end, since this program adopts those that nobody waits for; started are those that it waits for elsewhere.
func usage(started ...int) (all, ended time.Duration) {
	self := os.Getpid()
	for _, p := range below(self) {
		if p.ended && p.parent == self && !slices.Contains(started, p.pid) {
			bury(p.pid)
		}
	}
	for _, p := range below(self) {
		all += p.children
		if p.pid == self {
			ended = p.children
		} else {
			all += p.own
		}
	}
	return all, ended
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
