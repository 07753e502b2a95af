package pwgo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mxschmitt/playwright-go"
)

// The variables that playwright-go reads. It offers no other way to say where
// Node.js is and where the driver comes from.
const (
	nodeVariable     = "PLAYWRIGHT_NODEJS_PATH"
	registryVariable = "PLAYWRIGHT_GO_NPM_REGISTRY"
)

// installing guards the environment, which belongs to the whole process.
var installing sync.Mutex //nolint:gochecknoglobals // so does its lock

// InstallDriver installs Playwright's driver unless it is there. It comes as
// the package playwright-core from the npm registry that npm is configured to
// use on this machine.
func InstallDriver(ctx context.Context, cfg Config) error {
	dir, err := cfg.driverDir()
	if err != nil {
		return err
	}
	if driverInstalled(dir) {
		return nil
	}
	node, err := cfg.node()
	if err != nil {
		return err
	}
	// Installed beside its place and moved there when it is complete, so that
	// an interrupted installation leaves nothing behind that looks like one.
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return unavailable(err, "installing Playwright's driver: %s", err)
	}
	partial, err := os.MkdirTemp(parent, ".playwright-*")
	if err != nil {
		return unavailable(err, "installing Playwright's driver: %s", err)
	}
	defer func() { _ = os.RemoveAll(partial) }()
	registry := npmRegistry(ctx, node)
	err = wait(ctx, func() error { return download(partial, node, registry) })
	if err != nil {
		return unavailable(err, "installing Playwright's driver from %s: %s", hostOf(registry), err)
	}
	if err := os.Chmod(partial, 0o755); err != nil { //nolint:gosec // like every other folder of programs
		return unavailable(err, "installing Playwright's driver: %s", err)
	}
	if err := os.Rename(partial, dir); err != nil && !driverInstalled(dir) {
		return unavailable(err, "installing Playwright's driver: %s", err)
	}
	return nil
}

func download(dir, node, registry string) error {
	installing.Lock()
	defer installing.Unlock()
	if err := os.Setenv(nodeVariable, node); err != nil {
		return err
	}
	if registry != "" {
		if err := os.Setenv(registryVariable, registry); err != nil {
			return err
		}
		defer func() { _ = os.Unsetenv(registryVariable) }()
	}
	d, err := newDriver(dir)
	if err != nil {
		return err
	}
	return d.Install()
}

// npmRegistry asks npm which registry it uses. It is empty, which leaves it to
// playwright-go, when there is no npm or when the variable of playwright-go
// already says.
func npmRegistry(ctx context.Context, node string) string {
	if _, set := os.LookupEnv(registryVariable); set { //nolint:forbidigo // playwright-go's own setting goes first
		return ""
	}
	npm := filepath.Join(filepath.Dir(node), "npm")
	if _, err := exec.LookPath(npm); err != nil {
		if npm, err = exec.LookPath("npm"); err != nil {
			return ""
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, npm, "config", "get", "registry").Output()
	if err != nil {
		return ""
	}
	registry := strings.TrimSpace(string(out))
	if u, err := url.Parse(registry); err != nil || u.Host == "" {
		return ""
	}
	return registry
}

// hostOf names a registry without what its address may carry in secret.
func hostOf(registry string) string {
	if u, err := url.Parse(registry); err == nil && u.Host != "" {
		return u.Host
	}
	return "the npm registry"
}

// InstallBrowser lets Playwright download its own headless Chromium, for
// machines that have none from their system. It installs the driver first.
func InstallBrowser(ctx context.Context, cfg Config) error {
	if err := InstallDriver(ctx, cfg); err != nil {
		return err
	}
	return cfg.playwrightCLI(ctx, "downloading Playwright's browser", "install", "--only-shell", "chromium")
}

// playwrightCLI runs the command line of the driver, which is installed.
func (c Config) playwrightCLI(ctx context.Context, doing string, args ...string) error {
	node, err := c.node()
	if err != nil {
		return err
	}
	dir, err := c.driverDir()
	if err != nil {
		return err
	}
	cli := filepath.Join(dir, "package", "cli.js")
	out, err := exec.CommandContext(ctx, node, append([]string{cli}, args...)...).CombinedOutput()
	if err != nil {
		return unavailable(err, "%s: %s", doing, lastLine(out, err))
	}
	return nil
}

// lastLine returns the line of a program's output that says what went wrong.
func lastLine(out []byte, err error) string {
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines {
		if _, message, ok := strings.Cut(line, "Error: "); ok {
			return clip(message)
		}
	}
	if len(lines) > 0 {
		return clip(lines[len(lines)-1])
	}
	return err.Error()
}

// useNode tells playwright-go which Node.js to run. The driver must not see the variable DEBUG: with DEBUG=*, which is for
// this program's own log, it would write down all that it is told to type.
func useNode(node string) error {
	installing.Lock()
	defer installing.Unlock()
	if err := os.Unsetenv("DEBUG"); err != nil {
		return fmt.Errorf("keeping DEBUG from the driver: %w", err)
	}
	if os.Getenv(nodeVariable) == node { //nolint:forbidigo // what playwright-go will read
		return nil
	}
	if err := os.Setenv(nodeVariable, node); err != nil {
		return fmt.Errorf("telling Playwright where Node.js is: %w", err)
	}
	return nil
}

// runOptions never sets a logger or an output: playwright-go keeps both in
// variables of the whole program.
func runOptions(dir string) *playwright.RunOptions {
	return &playwright.RunOptions{DriverDirectory: dir, SkipInstallBrowsers: true}
}

// wait runs fn, but not longer than ctx.
func wait(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	go func() { done <- guarded(fn) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// guarded runs fn and turns a panic of playwright-go into an error.
func guarded(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(errPanic, fmt.Errorf("%v", r))
		}
	}()
	return fn()
}

var errPanic = errors.New("playwright-go panicked")
