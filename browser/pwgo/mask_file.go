package pwgo

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/cinnamon-qa/cinnamon/secret"
)

// largestText is the largest text of a page that is looked through; a trace
// goes without a larger one.
const largestText = 32 << 20

// maskHAR rewrites an HTTP archive.
func maskHAR(name string, known *secret.Redactor) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	masked, err := maskDocument(text, &masker{known, func(string) {}})
	if err != nil {
		return fmt.Errorf("reading the HTTP archive: %w", err)
	}
	return os.WriteFile(name, masked, 0o600) //nolint:gosec // a file of ours
}

func maskDocument(text []byte, m *masker) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, err
	}
	return json.Marshal(m.mask(document))
}

// maskTrace rewrites a trace: its events, and the texts among its resources.
func maskTrace(name string, known *secret.Redactor) (err error) {
	in, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	masked := name + ".masked"
	out, err := os.OpenFile(masked, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	w := zip.NewWriter(out)
	err = maskEntries(w, in.File, known)
	if err = errors.Join(err, w.Close(), out.Close(), in.Close()); err != nil {
		return errors.Join(err, os.Remove(masked), os.Remove(name))
	}
	return os.Rename(masked, name)
}

func maskEntries(w *zip.Writer, files []*zip.File, known *secret.Redactor) error {
	dropped := make(map[string]bool)
	m := &masker{known, func(file string) { dropped[file] = true }}
	var resources []*zip.File
	for _, f := range files {
		switch path.Ext(f.Name) {
		case ".trace", ".network":
			err := rewrite(w, f, func(to io.Writer, from io.Reader) error { return maskLines(to, from, m) })
			if err != nil {
				return err
			}
		case ".stacks": // of this program, not of the test
		default:
			resources = append(resources, f)
		}
	}
	for _, f := range resources {
		if dropped[path.Base(f.Name)] {
			continue // the body of a request
		}
		if err := maskResource(w, f, known); err != nil {
			return err
		}
	}
	return nil
}

// maskLines rewrites JSON documents, one a line.
func maskLines(to io.Writer, from io.Reader, m *masker) error {
	lines := bufio.NewReaderSize(from, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			masked, err := maskDocument(trimmed, m)
			if err != nil {
				return fmt.Errorf("reading an event: %w", err)
			}
			if _, err := to.Write(append(masked, '\n')); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// maskResource copies a file of a page, in whatever character set. Pictures and
// fonts stay as they are; what is packed is left out, as it can't be looked into.
func maskResource(w *zip.Writer, f *zip.File, known *secret.Redactor) error {
	switch path.Ext(f.Name) {
	case ".jpeg", ".jpg", ".png", ".webp", ".gif", ".woff", ".woff2":
		return w.Copy(f)
	}
	if f.UncompressedSize64 > largestText {
		return nil
	}
	return rewrite(w, f, func(to io.Writer, from io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(from, largestText))
		if err != nil || !known.Empty() && isPacked(text) {
			return err
		}
		_, err = io.WriteString(to, known.Redact(string(text)))
		return err
	})
}

// isPacked recognises gzip, zip, Zstandard, bzip2 and xz.
func isPacked(file []byte) bool {
	for _, sign := range []string{"\x1f\x8b", "PK\x03\x04", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ"} {
		if bytes.HasPrefix(file, []byte(sign)) {
			return true
		}
	}
	return false
}

func rewrite(w *zip.Writer, f *zip.File, do func(to io.Writer, from io.Reader) error) error {
	from, err := f.Open()
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: f.Modified}
	to, err := w.CreateHeader(header)
	if err == nil {
		err = do(to, from)
	}
	if err = errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("rewriting %s: %w", strings.ToValidUTF8(f.Name, ""), err)
	}
	return nil
}
