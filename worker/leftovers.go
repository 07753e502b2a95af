package worker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/cleanup"
)

// leftovers is what workers of this machine that have died left behind: the processes and folders of their browsers' drivers,
// and files that they had not finished. Those of workers that live are left alone.
type leftovers struct {
	// dir is where temporary files are, self the program that workers are.
	dir, self string
	// settle is how old what has no process must be: a driver may be about to start.
	settle time.Duration
}

var _ cleanup.Place = (*leftovers)(nil)

const (
	// driverHomes are the folders in which drivers and their browsers keep temporary files: package browser/pwgo makes them.
	driverHomes = "cinnamon-driver-*"
	settleFor   = 10 * time.Minute
)

// unfinished are names of what a worker makes for a while and deletes itself, for which age alone tells.
var unfinished = []string{"cinnamon-session-*", "cinnamon-artifact-*"} //nolint:gochecknoglobals // constants

func newLeftovers() *leftovers {
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	return &leftovers{dir: os.TempDir(), self: self, settle: settleFor}
}

// Name implements cleanup.Place.
func (l *leftovers) Name() string { return "this machine" }

// Clean implements cleanup.Place.
func (l *leftovers) Clean(ctx context.Context, p cleanup.Policy, dryRun bool, counted func(cleanup.Amounts) error) error {
	processes, err := listProcesses()
	if err != nil {
		return err
	}
	homes, err := filepath.Glob(filepath.Join(l.dir, driverHomes))
	if err != nil {
		return err //nolint:wrapcheck // a bad pattern can't be
	}
	var problems []error
	gone := cleanup.Amounts{}
	for _, home := range homes {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if info, err := os.Stat(home); err != nil || time.Since(info.ModTime()) < l.settle || inUse(home, processes, l.self) {
			continue
		}
		for _, orphan := range of(home, processes) {
			if !dryRun {
				if err := kill(orphan.pid); err != nil {
					problems = append(problems, err)
					continue
				}
			}
			gone.Add(cleanup.Processes, 1, 0)
		}
		problems = append(problems, l.remove(home, dryRun, gone))
	}
	for _, pattern := range unfinished {
		names, err := filepath.Glob(filepath.Join(l.dir, pattern))
		if err != nil {
			return err //nolint:wrapcheck // a bad pattern can't be
		}
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && p.Orphans > 0 && time.Since(info.ModTime()) > p.Orphans {
				problems = append(problems, l.remove(name, dryRun, gone))
			}
		}
	}
	return errors.Join(append(problems, counted(gone))...)
}

// remove deletes a folder, or a file, and counts it.
func (l *leftovers) remove(name string, dryRun bool, gone cleanup.Amounts) error {
	size := int64(0)
	_ = filepath.WalkDir(name, func(_ string, entry fs.DirEntry, err error) error { // what can't be weighed weighs nothing
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	if !dryRun {
		if err := os.RemoveAll(name); err != nil {
			return err //nolint:wrapcheck // it names the file
		}
	}
	gone.Add(cleanup.Folders, 1, size)
	return nil
}

// process is one of this machine.
type process struct {
	pid, parent int
	command     string // its arguments, with spaces between
	program     string // what runs; empty if that isn't ours to know
}

// of are the processes of a driver's folder: the driver, and its browsers, whose profiles are there.
func of(home string, processes map[int]process) []process {
	var found []process
	for _, p := range processes {
		if strings.Contains(p.command, home+string(filepath.Separator)) {
			found = append(found, p)
		}
	}
	return found
}

// adopters take over processes whose parent has died.
var adopters = []string{"init", "systemd", "tini", "dumb-init", "docker-init", "catatonit"} //nolint:gochecknoglobals // constants

// inUse says whether a driver's folder belongs to a program that lives, as all are taken to do whose driver has a parent that
// is no adopter. The first process of a container may be a worker itself.
func inUse(home string, processes map[int]process, self string) bool {
	driver := filepath.Join(home, "package", "cli.js")
	for _, p := range of(home, processes) {
		if !strings.Contains(p.command, driver) {
			continue
		}
		name := filepath.Base(processes[p.parent].program)
		ours := processes[p.parent].program == self || strings.Contains(name, "cinnamon")
		if ours || p.parent != 1 && !slices.Contains(adopters, name) {
			return true
		}
	}
	return false
}
