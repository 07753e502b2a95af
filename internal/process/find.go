package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Program is something that must be installed on the machine.
type Program struct {
	// Names are the file names that it goes by, the preferred one first.
	Names []string
	// Folders are glob patterns of the folders to look in when the PATH does not have it.
	Folders []string
	// Packages names the package to install per package manager: apt, dnf, brew.
	Packages map[string]string
}

// Find returns where the program is: on the PATH, else the newest of the usual places.
func (p Program) Find() (string, bool) {
	for _, name := range p.Names {
		if path, err := exec.LookPath(name); err == nil && filepath.IsAbs(path) {
			return path, true
		}
		for _, pattern := range p.Folders {
			dirs, err := filepath.Glob(pattern)
			if err != nil {
				continue
			}
			slices.SortFunc(dirs, newestFirst)
			for _, dir := range dirs {
				if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
					return path, true
				}
			}
		}
	}
	return "", false
}

// newestFirst orders folders such as /usr/lib/postgresql/9.6/bin and /usr/lib/postgresql/15/bin by the number in them.
func newestFirst(a, b string) int {
	return int(1000 * (version(b) - version(a)))
}

func version(path string) float64 {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '@' || r == '-' }) {
		if v, err := strconv.ParseFloat(part, 64); err == nil {
			return v
		}
	}
	return 0
}

// MissingError says which programs the machine lacks and how to get them, in one line.
type MissingError struct {
	Names   []string
	Install string
}

func (e *MissingError) Error() string {
	verb, it := "is", "it"
	if len(e.Names) > 1 {
		verb, it = "are", "them"
	}
	what := strings.Join(e.Names, " and ")
	if e.Install == "" {
		return fmt.Sprintf("%s %s not installed (looked on the PATH and in the usual places)", what, verb)
	}
	return fmt.Sprintf("%s %s not installed: install %s with: %s", what, verb, it, e.Install)
}

// Missing describes the programs that were not found, with the install command that fits this machine.
func Missing(programs ...Program) *MissingError {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		release = nil
	}
	return missing(packageManager(runtime.GOOS, string(release)), os.Geteuid() == 0, programs)
}

func missing(manager string, root bool, programs []Program) *MissingError {
	e := &MissingError{}
	var packages []string
	for _, p := range programs {
		e.Names = append(e.Names, p.Names[0])
		if name := p.Packages[manager]; name != "" {
			packages = append(packages, name)
		}
	}
	if len(packages) < len(programs) {
		return e
	}
	sudo := "sudo "
	if root {
		sudo = ""
	}
	switch names := strings.Join(packages, " "); manager {
	case "apt":
		e.Install = sudo + "apt-get install -y " + names
	case "dnf":
		e.Install = sudo + "dnf install -y " + names
	case "brew":
		e.Install = "brew install " + names
	}
	return e
}

// packageManager tells from the operating system and the contents of /etc/os-release how programs are installed.
func packageManager(goos, release string) string {
	if goos == "darwin" {
		return "brew"
	}
	var ids []string
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ID" || key == "ID_LIKE" {
			ids = append(ids, strings.Fields(strings.Trim(value, `"'`))...)
		}
	}
	for _, id := range ids {
		switch id {
		case "debian", "ubuntu":
			return "apt"
		case "fedora", "rhel", "centos":
			return "dnf"
		}
	}
	return ""
}
