package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// record is an element as the data has it.
type record struct {
	Tag            string   `json:"tag"`
	Class          string   `json:"class"`
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Href           string   `json:"href"`
	Alt            string   `json:"alt"`
	Type           string   `json:"type"`
	Title          string   `json:"title"`
	Value          string   `json:"value"`
	Placeholder    string   `json:"placeholder"`
	Text           string   `json:"text"`
	VisibleText    string   `json:"visible_text"`        //nolint:tagliatelle // the data's form
	IsButton       string   `json:"is_button"`           //nolint:tagliatelle // the data's form
	Neighbors      string   `json:"neighbor_text"`       //nolint:tagliatelle // the data's form
	NeighborsAbove string   `json:"neighbor_text_above"` //nolint:tagliatelle // the data's form
	NeighborsBelow string   `json:"neighbor_text_below"` //nolint:tagliatelle // the data's form
	NeighborsLeft  string   `json:"neighbor_text_left"`  //nolint:tagliatelle // the data's form
	NeighborsRight string   `json:"neighbor_text_right"` //nolint:tagliatelle // the data's form
	X              *float64 `json:"x"`
	Y              *float64 `json:"y"`
	Width          *float64 `json:"width"`
	Height         *float64 `json:"height"`
	XPath          string   `json:"xpath"`
	IDXPath        string   `json:"idxpath"`
}

// visible is the text that a person sees; the data leaves it out where it is the text.
func (r *record) visible() string {
	if r.VisibleText != "" {
		return r.VisibleText
	}
	return r.Text
}

// fingerprint is the record in the form of the product.
func (r *record) fingerprint() healing.Fingerprint {
	f := healing.Fingerprint{
		Tag: r.Tag, ID: r.ID, Name: r.Name, Class: r.Class, Type: r.Type, Alt: r.Alt, Title: r.Title, Placeholder: r.Placeholder,
		Href: r.Href, Text: r.visible(), XPath: r.XPath, IDPath: r.IDXPath,
		Neighbours: healing.Neighbours{
			Around: r.Neighbors, Above: r.NeighborsAbove, Below: r.NeighborsBelow, Left: r.NeighborsLeft, Right: r.NeighborsRight,
		},
	}
	if r.IsButton == "yes" {
		f.Value = r.Value
	}
	// Most records lack the type, without which a button is not told from a text field.
	if strings.EqualFold(r.Tag, "input") && f.Type == "" {
		hint := strings.ToLower(r.ID + " " + r.Name + " " + r.Class)
		if r.IsButton == "yes" || strings.Contains(hint, "submit") || strings.Contains(hint, "button") || strings.Contains(hint, "btn") {
			f.Role = "button"
		}
	}
	if r.X != nil && r.Y != nil && r.Width != nil && r.Height != nil {
		f.Box = &healing.Box{X: *r.X, Y: *r.Y, Width: *r.Width, Height: *r.Height}
	}
	return f
}

// target is one question: find old among the elements of the new page of app.
type target struct {
	App    string `json:"app"`
	Old    record `json:"old"`
	Label  string `json:"new_xpath"` //nolint:tagliatelle // the data's form
	Accept []int  `json:"accept"`
	old    healing.Fingerprint
}

// site is one page in one file, with all that is asked about it.
type site struct {
	file, name string
	records    []record
	prints     []healing.Fingerprint
	targets    []target
	measured   measured
}

// load reads all pairs of files NAME.jsonl[.gz] and NAME-candidates.json[.gz] in a folder.
func load(dir string) ([]*site, error) {
	const form = "give --data a folder with pairs of files NAME.jsonl[.gz] (one target a line) and NAME-candidates.json[.gz] ({site: [element, …]})"
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s: %s", dir, form)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the data folder: %w", err)
	}
	var sites []*site
	for _, entry := range entries {
		name, ok := strings.CutSuffix(strings.TrimSuffix(entry.Name(), ".gz"), ".jsonl")
		if !ok {
			continue
		}
		more, err := loadPair(dir, name, entry.Name())
		if err != nil {
			return nil, err
		}
		sites = append(sites, more...)
	}
	if len(sites) == 0 {
		return nil, fmt.Errorf("there is no target in %s: %s", dir, form)
	}
	return sites, nil
}

func loadPair(dir, name, targets string) ([]*site, error) {
	candidates := filepath.Join(dir, name+"-candidates.json")
	if _, err := os.Stat(candidates); err != nil {
		candidates += ".gz"
	}
	pages := map[string][]record{}
	err := read(candidates, func(r io.Reader) error { return json.NewDecoder(r).Decode(&pages) })
	if err != nil {
		return nil, err
	}
	byName := map[string]*site{}
	err = read(filepath.Join(dir, targets), func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 16<<20)
		for n := 1; lines.Scan(); n++ {
			if strings.TrimSpace(lines.Text()) == "" {
				continue
			}
			var t target
			if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			page, ok := pages[t.App]
			if !ok {
				return fmt.Errorf("line %d: %s has no elements in %s", n, t.App, filepath.Base(candidates))
			}
			for _, i := range t.Accept {
				if i < 0 || i >= len(page) {
					return fmt.Errorf("line %d: accept has %d, and %s has %d elements", n, i, t.App, len(page))
				}
			}
			s := byName[t.App]
			if s == nil {
				s = &site{file: name, name: t.App, records: page}
				for i := range page {
					s.prints = append(s.prints, page[i].fingerprint())
				}
				byName[t.App] = s
			}
			t.old = t.Old.fingerprint()
			s.targets = append(s.targets, t)
		}
		return lines.Err()
	})
	if err != nil {
		return nil, err
	}
	sites := make([]*site, 0, len(byName))
	for _, s := range byName {
		sites = append(sites, s)
	}
	slices.SortFunc(sites, func(a, b *site) int { return strings.Compare(a.name, b.name) })
	return sites, nil
}

// read opens a file, unpacks it if it ends in .gz, and hands it to f.
func read(path string, f func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening a data file: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", path, err)
		}
		r = unpacked
	}
	if err := f(r); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
