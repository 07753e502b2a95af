package pwgo

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/egress"
	"github.com/cinnamon-qa/cinnamon/secret"
)

const (
	defaultBrowsers     = 1
	defaultRecycleAfter = 200
	defaultMaxMiB       = 2048
)

// Config of a pool. The zero value is ready to use.
type Config struct {
	// Executable is the browser to run. If empty, one is looked for on the
	// machine, and Playwright's own is taken if there is none.
	Executable string
	// NodePath is the Node.js that runs the driver. If empty, it is looked
	// for in the PATH.
	NodePath string
	// DriverDir is where Playwright's driver is installed. If empty, it is a
	// folder of the user's cache.
	DriverDir string
	// Browsers is how many browsers run at the same time; 1 if zero.
	Browsers int
	// RecycleAfter is how many sessions a browser serves before a fresh one
	// replaces it; 200 if zero.
	RecycleAfter int
	// MaxMiB is how much memory a browser may take, in MiB, before a fresh one
	// replaces it when its sessions have ended; a page that takes that much
	// alone is ended at once. 2048 if zero; known on Linux only.
	MaxMiB int
	// NoSandbox turns Chromium's own sandbox off, for machines whose kernel
	// does not let it start. For root, whom Chromium refuses it, it is always
	// off.
	NoSandbox bool
	// Secrets finds the values of the secrets that cases name; nil if there are
	// none.
	Secrets secret.Resolver
	// Egress decides what pages may reach; nil lets them reach everything.
	Egress *egress.Guard
	// Logger gets what operators need to know; nil discards it.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Browsers <= 0 {
		c.Browsers = defaultBrowsers
	}
	if c.RecycleAfter <= 0 {
		c.RecycleAfter = defaultRecycleAfter
	}
	if c.MaxMiB <= 0 {
		c.MaxMiB = defaultMaxMiB
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// node returns the path of Node.js.
func (c Config) node() (string, error) {
	name := c.NodePath
	if name == "" {
		name = "node"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", unavailable(err, "Node.js was not found as %q: install it, or set PLAYWRIGHT_NODEJS_PATH to where it is", name)
	}
	return filepath.Abs(path)
}

// driverDir returns where the driver is or will be.
func (c Config) driverDir() (string, error) {
	if c.DriverDir != "" {
		return filepath.Abs(c.DriverDir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", unavailable(err, "there is no folder for Playwright's driver: %s", err)
	}
	version, err := driverVersion()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "cinnamon", "playwright-"+version), nil
}

// driverVersion returns the version of the driver that playwright-go needs.
func driverVersion() (string, error) {
	d, err := newDriver(os.TempDir())
	if err != nil {
		return "", err
	}
	return d.Version, nil
}

func newDriver(dir string) (*playwright.PlaywrightDriver, error) {
	d, err := playwright.NewDriver(runOptions(dir))
	if err != nil {
		return nil, unavailable(err, "Playwright's driver cannot be used: %s", err)
	}
	return d, nil
}

func driverInstalled(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "package", "cli.js"))
	return err == nil
}

func unavailable(cause error, format string, args ...any) error {
	return failure(browser.Unavailable, cause, format, args...)
}
