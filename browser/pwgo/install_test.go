package pwgo_test

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// driverFiles are what playwright-go expects of a driver.
func driverFiles() map[string]string {
	return map[string]string{
		"package/cli.js":            `console.log("1.62.1")`,
		"package/lib/coreBundle.js": `pageError.location.url pageError.location.lineNumber pageError.location.columnNumber`,
	}
}

func writePackage(w io.Writer, files map[string]string) error {
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := io.WriteString(archive, content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// TestInstallDriverFromMirror does not run in parallel: npm is configured by
// the environment.
func TestInstallDriverFromMirror(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") != "" {
			require.NoError(t, err)
		}
		t.Skip("needs npm")
	}
	var requests atomic.Int32
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/npm/playwright-core/-/playwright-core-1.62.1.tgz" {
			http.NotFound(w, r)
			return
		}
		requests.Add(1)
		if err := writePackage(w, driverFiles()); err != nil {
			t.Error(err)
		}
	}))
	defer mirror.Close()

	t.Setenv("npm_config_registry", mirror.URL+"/npm/")
	parent := t.TempDir()
	cfg := pwgo.Config{DriverDir: filepath.Join(parent, "driver")}
	require.NoError(t, pwgo.InstallDriver(t.Context(), cfg))
	require.FileExists(t, filepath.Join(cfg.DriverDir, "package", "cli.js"))
	require.NoError(t, pwgo.InstallDriver(t.Context(), cfg))
	require.EqualValues(t, 1, requests.Load(), "what is installed is not installed again")

	t.Setenv("npm_config_registry", mirror.URL+"/elsewhere/")
	cfg.DriverDir = filepath.Join(parent, "other")
	err := pwgo.InstallDriver(t.Context(), cfg)
	require.Equal(t, browser.Unavailable, browser.KindOf(err))
	require.ErrorContains(t, err, "404")
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1, "a failed installation leaves nothing behind")
}
