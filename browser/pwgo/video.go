package pwgo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// canRecordVideo says what is missing where Playwright can't record videos: it
// runs an ffmpeg, and only the one in the folder of its browsers.
func (c Config) canRecordVideo() error {
	path, err := c.ffmpeg()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return unavailable(err, "there is no ffmpeg at %s: run cinnamon browser install --with-video", path)
	}
	return nil
}

// ffmpeg returns where Playwright looks for it.
func (c Config) ffmpeg() (string, error) {
	dir, err := c.driverDir()
	if err != nil {
		return "", err
	}
	list, err := os.ReadFile(filepath.Join(dir, "package", "browsers.json"))
	if err != nil {
		return "", unavailable(err, "Playwright's driver is not installed in %s", dir)
	}
	var known struct {
		Browsers []struct {
			Name     string `json:"name"`
			Revision string `json:"revision"`
		} `json:"browsers"`
	}
	if err := json.Unmarshal(list, &known); err != nil {
		return "", fmt.Errorf("reading the driver's list of browsers: %w", err)
	}
	browsers, err := browsersFolder()
	if err != nil {
		return "", err
	}
	program := map[string]string{"linux": "ffmpeg-linux", "darwin": "ffmpeg-mac", "windows": "ffmpeg-win64.exe"}[runtime.GOOS]
	for _, b := range known.Browsers {
		if b.Name == "ffmpeg" && program != "" {
			return filepath.Join(browsers, "ffmpeg-"+b.Revision, program), nil
		}
	}
	return "", unavailable(nil, "Playwright records no videos on %s", runtime.GOOS)
}

// browsersFolder is where Playwright keeps its browsers, by its own rules.
func browsersFolder() (string, error) {
	switch set := os.Getenv("PLAYWRIGHT_BROWSERS_PATH"); { //nolint:forbidigo // what Playwright will read
	case set == "0":
		return "", unavailable(nil, "videos can't be recorded with PLAYWRIGHT_BROWSERS_PATH=0")
	case set != "":
		return filepath.Abs(set)
	}
	cache, err := os.UserCacheDir() // the same as Playwright's
	if err != nil {
		return "", unavailable(err, "there is no folder for Playwright's ffmpeg: %s", err)
	}
	return filepath.Join(cache, "ms-playwright"), nil
}

// InstallVideo lets Playwright record videos: with the machine's ffmpeg if it
// has one, else with Playwright's own, which is downloaded. It installs the
// driver first.
func InstallVideo(ctx context.Context, cfg Config) error {
	if err := InstallDriver(ctx, cfg); err != nil {
		return err
	}
	place, err := cfg.ffmpeg()
	if err != nil {
		return err
	}
	if _, err := os.Stat(place); err == nil {
		return nil
	}
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return cfg.playwrightCLI(ctx, "downloading Playwright's ffmpeg", "install", "ffmpeg")
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil { //nolint:gosec // like every other folder of programs
		return unavailable(err, "giving Playwright an ffmpeg: %s", err)
	}
	_ = os.Remove(place) // a link that leads nowhere any more
	if err := os.Symlink(program, place); err != nil {
		return unavailable(err, "giving Playwright an ffmpeg: %s", err)
	}
	return nil
}
