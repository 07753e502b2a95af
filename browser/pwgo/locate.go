package pwgo

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Source says where a browser comes from.
type Source string

// The sources, in the order in which they are asked.
const (
	SourceConfig     Source = "config"
	SourceSystem     Source = "system"
	SourcePlaywright Source = "playwright"
)

// Found is what sessions would use on this machine.
type Found struct {
	Node            string
	NodeVersion     string
	DriverDir       string
	DriverVersion   string
	DriverInstalled bool
	Browser         string
	BrowserVersion  string
	BrowserSource   Source
}

// lookTimeout bounds asking a program for its version.
const lookTimeout = 10 * time.Second

// Locate says which Node.js, driver and browser sessions would use. What it
// found until something is missing is returned beside the error, whose Kind is
// Unavailable.
func Locate(cfg Config) (Found, error) {
	var f Found
	var err error
	if f.Node, err = cfg.node(); err != nil {
		return f, err
	}
	if f.NodeVersion, err = versionOf(f.Node); err != nil {
		return f, unavailable(err, "Node.js at %s cannot be run: %s", f.Node, err)
	}
	if f.DriverVersion, err = driverVersion(); err != nil {
		return f, err
	}
	if f.DriverDir, err = cfg.driverDir(); err != nil {
		return f, err
	}
	f.DriverInstalled = driverInstalled(f.DriverDir)
	if f.Browser, f.BrowserSource, err = cfg.findBrowser(true); err != nil {
		return f, err
	}
	if f.BrowserSource == SourcePlaywright {
		if f.Browser, err = cfg.playwrightBrowser(f); err != nil {
			return f, err
		}
	}
	if f.BrowserVersion, err = versionOf(f.Browser); err != nil {
		return f, unavailable(err, "the browser %s cannot be run: %s", f.Browser, err)
	}
	if !f.DriverInstalled {
		return f, unavailable(nil, "Playwright's driver %s is not installed in %s", f.DriverVersion, f.DriverDir)
	}
	return f, nil
}

// findBrowser returns the browser to run; the path is empty when it is
// Playwright's own.
func (c Config) findBrowser(headless bool) (string, Source, error) {
	if c.Executable != "" && (headless || !isHeadlessShell(c.Executable)) {
		path, err := exec.LookPath(c.Executable)
		if err != nil {
			return "", SourceConfig, unavailable(err, "the browser %s cannot be run: %s", c.Executable, err)
		}
		return path, SourceConfig, nil
	}
	for _, candidate := range systemBrowsers() {
		if !headless && isHeadlessShell(candidate) {
			continue
		}
		path, err := exec.LookPath(candidate)
		if err != nil || isSnap(path) {
			continue
		}
		return path, SourceSystem, nil
	}
	return "", SourcePlaywright, nil
}

// systemBrowsers lists names and usual places of browsers; the headless shell
// comes first because it is several times faster than a whole Chromium.
func systemBrowsers() []string {
	names := []string{"chromium-headless-shell", "chrome-headless-shell", "headless_shell", "chromium", "google-chrome", "google-chrome-stable"}
	switch runtime.GOOS {
	case "darwin":
		return append(names,
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	case "windows":
		return append(names,
			`C:\Program Files\Google\Chrome\Application\chrome.exe`,
			`C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`)
	default:
		return append(names,
			"/usr/bin/chromium-headless-shell",
			"/usr/lib/chromium/chromium-headless-shell",
			"/usr/bin/chromium",
			"/usr/lib/chromium/chromium",
			"/usr/bin/google-chrome",
			"/opt/google/chrome/chrome")
	}
}

func isHeadlessShell(path string) bool {
	name := filepath.Base(path)
	return strings.Contains(name, "headless-shell") || strings.Contains(name, "headless_shell")
}

// isSnap reports whether a browser is packaged as a snap, which cannot see the
// profile folder that Playwright gives it.
func isSnap(path string) bool {
	resolved, err := filepath.EvalSymlinks(path)
	return strings.HasPrefix(path, "/snap/") || (err == nil && strings.HasPrefix(resolved, "/snap/")) || filepath.Base(resolved) == "snap"
}

// playwrightBrowser returns the browser that Playwright downloaded.
func (c Config) playwrightBrowser(f Found) (string, error) {
	const advice = "no browser was found: install chromium-headless-shell or Chromium from your system's packages, or let Playwright download its own"
	if !f.DriverInstalled {
		return "", unavailable(nil, "%s", advice)
	}
	out, err := output(f.Node, filepath.Join(f.DriverDir, "package", "cli.js"), "install", "--dry-run", "--only-shell", "chromium")
	if err != nil {
		return "", unavailable(err, "asking Playwright for its browser: %s", err)
	}
	for line := range strings.Lines(string(out)) {
		_, dir, ok := strings.Cut(line, "Install location:")
		if !ok {
			continue
		}
		for _, pattern := range []string{"chrome-headless-shell-*/chrome-headless-shell*", "chrome-*/headless_shell*"} {
			if found, err := filepath.Glob(filepath.Join(strings.TrimSpace(dir), pattern)); err == nil && len(found) > 0 {
				return found[0], nil
			}
		}
	}
	return "", unavailable(nil, "%s", advice)
}

// versionOf asks a program for its version.
func versionOf(program string) (string, error) {
	if runtime.GOOS == "windows" && !strings.Contains(filepath.Base(program), "node") {
		return "", nil // browsers open a window there instead of answering
	}
	out, err := output(program, "--version")
	if err != nil {
		return "", err
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
	return string(first), nil
}

func describeBrowser(path string) string {
	if path == "" {
		return "Playwright's own browser"
	}
	return path
}

// output runs a program and returns what it writes.
func output(program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout) //nolint:forbidigo // Locate has none, and is bounded here
	defer cancel()
	return exec.CommandContext(ctx, program, args...).Output()
}
