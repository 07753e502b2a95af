package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root     = "../.."
	module   = "github.com/cinnamon-qa/cinnamon/"
	maxLines = 600
)

// pkg is what go list says of a package.
type pkg struct {
	Dir, ImportPath string
	GoFiles         []string
	Imports, Deps   []string
}

// list runs go list in one of the repository's modules.
func list(t *testing.T, dir string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,GoFiles,Imports,Deps", "./...")
	cmd.Dir = filepath.Join(root, dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		require.NoError(t, err)
		pkgs = append(pkgs, p)
	}
}

func all(t *testing.T) []pkg {
	t.Helper()
	return append(list(t, "."), list(t, "devstack")...)
}

// matches tells whether an import path is what a rule's pattern means.
func matches(pattern, path string) bool {
	ours, isOurs := strings.CutPrefix(path, module)
	if pattern == "ours" {
		return isOurs
	}
	if isOurs {
		path = ours
	}
	prefix, below := strings.CutSuffix(pattern, "/...")
	return path == prefix || below && strings.HasPrefix(path, prefix+"/")
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func TestImports(t *testing.T) {
	t.Parallel()
	var broken []string
	for _, p := range all(t) {
		for _, imported := range p.Imports {
			for _, h := range homes {
				if matches(h.library+"/...", imported) && !matchesAny(h.homes, p.ImportPath) {
					broken = append(broken, fmt.Sprintf("%s imports %s, whose home is %s: %s",
						p.ImportPath, imported, strings.Join(h.homes, ", "), h.reason))
				}
			}
			for _, b := range bans {
				if matches(b.from, p.ImportPath) && matchesAny(b.to, imported) &&
					!matchesAny(b.except, imported) && !matchesAny(b.except, p.ImportPath) {
					broken = append(broken, fmt.Sprintf("%s must not import %s: %s", p.ImportPath, imported, b.reason))
				}
			}
		}
		for program, libraries := range unlinked {
			for _, dep := range p.Deps {
				if matches(program, p.ImportPath) && slices.ContainsFunc(libraries, func(l string) bool { return matches(l+"/...", dep) }) {
					broken = append(broken, fmt.Sprintf("%s links %s: it has no place in what ships", p.ImportPath, dep))
				}
			}
		}
	}
	require.Empty(t, broken, strings.Join(broken, "\n"))
}

func TestRulesNamePackagesThatExist(t *testing.T) {
	t.Parallel()
	pkgs := all(t)
	exists := func(pattern string) bool {
		return pattern == "ours" || slices.ContainsFunc(pkgs, func(p pkg) bool { return matches(pattern, p.ImportPath) })
	}
	for _, b := range bans {
		require.True(t, exists(b.from), "no package is called %s", b.from)
	}
	for program := range unlinked {
		require.True(t, exists(program), "no package is called %s", program)
	}
}

func TestEveryPackageHasOneDocComment(t *testing.T) {
	t.Parallel()
	for _, p := range all(t) {
		var documented []string
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			require.NoError(t, err)
			if file.Doc != nil {
				documented = append(documented, name)
			}
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		home := "doc.go"
		if slices.Contains(p.GoFiles, "main.go") {
			home = "main.go"
		}
		require.Equal(t, []string{home}, documented, "%s: a package has one doc comment, and it is in %s", p.ImportPath, home)
	}
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	walk(t, func(path string, text []byte) {
		if strings.HasSuffix(path, ".go") && !generated.Match(text) {
			require.LessOrEqual(t, bytes.Count(text, []byte("\n")), maxLines, "%s is too long: split it by concern", path)
		}
	})
}

// A clone must build from whatever registries its machine is set up with, so no file may name one.
func TestNoRegistryIsNamed(t *testing.T) {
	t.Parallel()
	// In parts, so that this file does not name them either.
	hosts := []string{"registry." + "npmjs.org", "registry." + "yarnpkg.com", "proxy." + "golang.org", "sum." + "golang.org", "deb." + "debian.org"}
	hosts = append(hosts, hostsIn(t, "go", "env", "GOPROXY")...)
	hosts = append(hosts, hostsIn(t, "npm", "config", "get", "registry")...)
	walk(t, func(path string, text []byte) {
		for _, host := range hosts {
			require.False(t, bytes.Contains(text, []byte(host)), "%s names a package registry's host", path)
		}
	})
}

// hostsIn returns the hosts that this machine is set up with, by what a command prints; none if there is no such command.
func hostsIn(t *testing.T, name string, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	require.NoError(t, err)
	var hosts []string
	for field := range strings.FieldsFuncSeq(string(out), func(r rune) bool { return strings.ContainsRune(",| \n", r) }) {
		u, err := url.Parse(field)
		if err == nil && strings.Contains(u.Hostname(), ".") && net.ParseIP(u.Hostname()) == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// walk visits every text file of the repository that is not built or installed into it.
func walk(t *testing.T, visit func(path string, text []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "node_modules"}, entry.Name()):
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && !bytes.Contains(text, []byte{0}) {
			visit(path, text)
		}
		return err
	}))
}
