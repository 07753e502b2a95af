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
	"unicode/utf8"
)

// largestText is the largest text of a page that is looked through; a trace
// goes without a larger one.
const largestText = 32 << 20

// maskHAR rewrites an HTTP archive.
func maskHAR(name string, m *masker) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	masked, err := maskDocument(text, m, func(string) {})
	if err != nil {
		return fmt.Errorf("reading the HTTP archive: %w", err)
	}
	return os.WriteFile(name, masked, 0o600) //nolint:gosec // a file of ours
}

func maskDocument(text []byte, m *masker, dropped func(string)) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, err
	}
	return json.Marshal(m.mask(document, dropped))
}

// maskTrace rewrites a trace: its events, and the texts among its resources.
func maskTrace(name string, m *masker) (err error) {
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
	err = maskEntries(w, in.File, m)
	if err = errors.Join(err, w.Close(), out.Close(), in.Close()); err != nil {
		return errors.Join(err, os.Remove(masked), os.Remove(name))
	}
	return os.Rename(masked, name)
}

func maskEntries(w *zip.Writer, files []*zip.File, m *masker) error {
	dropped := make(map[string]bool)
	var resources []*zip.File
	for _, f := range files {
		switch path.Ext(f.Name) {
		case ".trace", ".network":
			err := rewrite(w, f, func(to io.Writer, from io.Reader) error {
				return maskLines(to, from, m, func(file string) { dropped[file] = true })
			})
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
		if err := maskResource(w, f, m); err != nil {
			return err
		}
	}
	return nil
}

// maskLines rewrites JSON documents, one a line.
func maskLines(to io.Writer, from io.Reader, m *masker, dropped func(string)) error {
	lines := bufio.NewReaderSize(from, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			masked, err := maskDocument(trimmed, m, dropped)
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

// maskResource copies a file of a page. Pictures stay as they are.
func maskResource(w *zip.Writer, f *zip.File, m *masker) error {
	switch path.Ext(f.Name) {
	case ".jpeg", ".jpg", ".png", ".webp", ".gif", ".woff", ".woff2":
		return w.Copy(f)
	}
	if f.UncompressedSize64 > largestText {
		return nil
	}
	return rewrite(w, f, func(to io.Writer, from io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(from, largestText))
		if err == nil && utf8.Valid(text) {
			text = []byte(m.Replace(string(text)))
		}
		if err == nil {
			_, err = to.Write(text)
		}
		return err
	})
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
