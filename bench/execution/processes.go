package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// renderers lists the processes of pages below a process; none where there is no /proc.
func renderers(below int) map[int]bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") //nolint:errcheck // the pattern is right
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		children[parent] = append(children[parent], child)
	}
	found := map[int]bool{}
	for look := []int{below}; len(look) > 0; look = look[1:] {
		for _, child := range children[look[0]] {
			look = append(look, child)
			command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			if err == nil && bytes.Contains(command, []byte("--type=renderer")) {
				found[child] = true
			}
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
