package pwgo

import (
	_ "embed" // for driver.js
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// driverHomes is how the folders of drivers are called.
const driverHomes = "cinnamon-driver-*"

//go:embed driver.js
var driverSource []byte

// makeHome makes the folder in which a driver and its browsers keep their temporary files: those of one that was killed
// can be deleted without touching another one's. playwright-go takes it for the folder that the driver is installed in.
func makeHome(dir string) (home string, err error) {
	if home, err = os.MkdirTemp("", driverHomes); err != nil {
		return "", fmt.Errorf("making a folder for the driver: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(home))
		}
	}()
	place, err := json.Marshal(filepath.Join(dir, "package", "cli.js"))
	if err != nil {
		return "", fmt.Errorf("saying where the driver is: %w", err)
	}
	inside := filepath.Join(home, "package")
	if err := os.Mkdir(inside, 0o700); err != nil {
		return "", fmt.Errorf("making a folder for the driver: %w", err)
	}
	for name, content := range map[string][]byte{"cli.js": driverSource, "driver.json": place} {
		if err := os.WriteFile(filepath.Join(inside, name), content, 0o600); err != nil {
			return "", fmt.Errorf("saying where the driver is: %w", err)
		}
	}
	return home, nil
}

const (
	// leaveTimeout is how long processes that were killed may go on writing.
	leaveTimeout  = 5 * time.Second
	leaveInterval = 50 * time.Millisecond
)

// removeHome deletes the folder of a driver that has ended.
func removeHome(home string) error {
	late := time.NewTimer(leaveTimeout)
	defer late.Stop()
	again := time.NewTicker(leaveInterval)
	defer again.Stop()
	for {
		err := os.RemoveAll(home)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-late.C:
			return err
		}
	}
}
