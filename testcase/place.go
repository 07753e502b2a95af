package testcase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// noteUnknown notes the fields that nobody reads: a word may be misspelt.
func (o object) noteUnknown() {
	known := sortedKeys(o.asked)
	for _, name := range sortedKeys(o.fields) {
		if o.asked[name] || strings.HasPrefix(name, "x-") {
			continue
		}
		message := unknownField(name, known)
		if len(o.parser.notes) < maxProblems {
			path, field := o.prefix+name, o.label+name
			o.parser.notes = append(o.parser.notes, Problem{Path: path, Step: o.step, Action: o.action, Field: field, Message: message})
		}
	}
}

func unknownField(name string, known []string) string {
	message := "is not known and has no effect"
	if like := closest(name, known); like != "" {
		message += "; do you mean " + like + "?"
	}
	return message
}

// closest returns the word that is at most two letters away, "" if none is.
func closest(word string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least && 2*d <= len(word) {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// place tells problems their lines.
func place(data []byte, problems []Problem) {
	if len(problems) == 0 {
		return
	}
	lines := linesOf(data)
	for i := range problems {
		problems[i].Line = lines[""]
		for path := problems[i].Path; path != ""; path = parent(path) {
			if line, ok := lines[path]; ok {
				problems[i].Line = line
				break
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Step - b.Step })
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// linesOf returns the line of everything in a JSON document by its path.
func linesOf(data []byte) map[string]int {
	w := &lineWalker{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1, lines: map[string]int{}}
	w.value("")
	return w.lines
}

type lineWalker struct {
	data  []byte
	dec   *json.Decoder
	at    int
	line  int
	lines map[string]int
}

// token reads on, and notes on which line the token ends.
func (w *lineWalker) token() json.Token {
	t, err := w.dec.Token()
	if err != nil {
		return nil
	}
	end := int(w.dec.InputOffset())
	w.line += bytes.Count(w.data[w.at:end], []byte("\n"))
	w.at = end
	return t
}

func (w *lineWalker) value(path string) {
	t := w.token()
	if _, ok := w.lines[path]; !ok {
		w.lines[path] = w.line
	}
	switch t {
	case json.Delim('{'):
		for w.dec.More() {
			name, ok := w.token().(string)
			if !ok {
				return
			}
			inner := strings.TrimPrefix(path+"."+name, ".")
			w.lines[inner] = w.line
			w.value(inner)
		}
		w.token()
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			w.value(fmt.Sprintf("%s[%d]", path, i))
		}
		w.token()
	}
}
