package process_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

func TestFindTakesTheNewestOfTheUsualPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, version := range []string{"9.6", "15", "17"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, version, "bin"), 0o700))
		if version != "17" { // the folder of a removed version may stay
			require.NoError(t, os.WriteFile(filepath.Join(dir, version, "bin", "some-server"), nil, 0o700))
		}
	}
	path, ok := process.Program{Names: []string{"some-server"}, Folders: []string{dir + "/*/bin"}}.Find()
	require.True(t, ok)
	require.Equal(t, filepath.Join(dir, "15", "bin", "some-server"), path)
}

func TestFindReportsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	_, ok := process.Program{Names: []string{"some-server"}, Folders: []string{t.TempDir()}}.Find()
	require.False(t, ok)
}

func TestMissingTellsHowToInstall(t *testing.T) {
	t.Parallel()
	redis := process.Program{
		Names:    []string{"redis-server"},
		Packages: map[string]string{"apt": "redis-server", "dnf": "redis", "brew": "redis"},
	}
	postgres := process.Program{
		Names:    []string{"postgres"},
		Packages: map[string]string{"apt": "postgresql", "dnf": "postgresql-server", "brew": "postgresql@17"},
	}
	for name, c := range map[string]struct {
		goos, release string
		root          bool
		want          string
	}{
		"debian": {
			goos: "linux", release: "NAME=\"Debian GNU/Linux\"\nID=debian\n",
			want: "redis-server and postgres are not installed: install them with: sudo apt-get install -y redis-server postgresql",
		},
		"ubuntu as root": {
			goos: "linux", release: "ID=ubuntu\nID_LIKE=debian\n", root: true,
			want: "redis-server and postgres are not installed: install them with: apt-get install -y redis-server postgresql",
		},
		"a relative of ubuntu": {
			goos: "linux", release: "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
			want: "redis-server and postgres are not installed: install them with: sudo apt-get install -y redis-server postgresql",
		},
		"fedora": {
			goos: "linux", release: "ID=fedora\n",
			want: "redis-server and postgres are not installed: install them with: sudo dnf install -y redis postgresql-server",
		},
		"macos": {
			goos: "darwin",
			want: "redis-server and postgres are not installed: install them with: brew install redis postgresql@17",
		},
		"another system": {
			goos: "linux", release: "ID=nixos\n",
			want: "redis-server and postgres are not installed (looked on the PATH and in the usual places)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manager := process.PackageManager(c.goos, c.release)
			err := process.MissingWith(manager, c.root, []process.Program{redis, postgres})
			require.EqualError(t, err, c.want)
		})
	}
	one := process.MissingWith("apt", true, []process.Program{redis})
	require.EqualError(t, one, "redis-server is not installed: install it with: apt-get install -y redis-server")
}
