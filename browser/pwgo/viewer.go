package pwgo

import (
	"os"
	"path/filepath"
)

// TraceViewer is the folder of the trace viewer that the driver brings: web
// pages, with index.html as the first. It is empty where the driver is not
// installed.
func TraceViewer(cfg Config) string {
	dir, err := cfg.driverDir()
	if err != nil {
		return ""
	}
	folder := filepath.Join(dir, "package", "lib", "vite", "traceViewer")
	if _, err := os.Stat(filepath.Join(folder, "index.html")); err != nil {
		return ""
	}
	return folder
}
