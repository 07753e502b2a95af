package casepatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// span is where a value is in a text, and the name before it.
type span struct{ name, start, end int }

// edit puts words in the place of a part of a text.
type edit struct {
	start, end int
	words      string
}

func apply(text []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(text[at:e.start])
		out.WriteString(e.words)
		at = e.end
	}
	out.Write(text[at:])
	return out.Bytes()
}

// insert puts selectors before those of the step at a path, written as these are.
func insert(text []byte, spans map[string]span, path string, selectors [][]string) ([]edit, bool) {
	for _, inner := range []string{path + ".", path + ".parameters."} {
		if list, ok := spans[inner+"selectors"]; ok && text[list.start] == '[' {
			first, ok := spans[inner+"selectors[0]"]
			if !ok {
				return nil, false
			}
			return []edit{{first.start, first.start, before(text, list, first, spans[inner+"selectors[0][0]"], selectors)}}, true
		}
		for _, name := range []string{"selectors", "selector"} {
			one, ok := spans[inner+name]
			if !ok || text[one.start] != '"' {
				continue
			}
			words := make([]string, len(selectors))
			for i, s := range selectors {
				words[i] = written(s)
			}
			edits := []edit{{one.start, one.start, "[" + strings.Join(words, ", ") + ", "}, {one.end, one.end, "]"}}
			if name == "selector" {
				edits = append(edits, edit{one.name, one.name + len(`"selector"`), `"selectors"`})
			}
			return edits, true
		}
	}
	return nil, false
}

// before are selectors as they are written in a list before its first one.
func before(text []byte, list, first, part span, selectors [][]string) string {
	gap := string(text[list.start+1 : first.start])
	after := gap
	if !strings.Contains(gap, "\n") {
		after = " "
	}
	open, end := "", ""
	if text[first.start] == '[' && part.end > 0 {
		open = string(text[first.start+1 : part.start])
		inner := string(text[first.start+1 : first.end-1])
		end = inner[len(strings.TrimRight(inner, " \t\r\n")):]
	}
	var b strings.Builder
	for _, s := range selectors {
		if text[first.start] == '"' {
			b.WriteString(written(s))
		} else {
			b.WriteString(listed(s, open, end))
		}
		b.WriteString("," + after)
	}
	return b.String()
}

// written is a selector in its shortest form.
func written(s []string) string {
	if len(s) == 1 {
		return quoted(s[0])
	}
	return listed(s, "", "")
}

// listed is a selector as the list of its parts, with that much space around them.
func listed(s []string, open, end string) string {
	parts := make([]string, len(s))
	for i, part := range s {
		parts[i] = quoted(part)
	}
	between := ", "
	if strings.Contains(open, "\n") {
		between = "," + open
	}
	return "[" + open + strings.Join(parts, between) + end + "]"
}

func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) //nolint:errchkjson // texts can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// spansOf finds everything in a JSON document by its path, as testcase writes paths. Of a name that is there twice it is the last one, which counts.
func spansOf(data []byte) map[string]span {
	skipped := len(data) - len(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	w := &walker{data: data, shift: skipped, dec: json.NewDecoder(bytes.NewReader(data[skipped:])), spans: map[string]span{}}
	w.value("", 0)
	return w.spans
}

type walker struct {
	data  []byte
	shift int
	dec   *json.Decoder
	spans map[string]span
}

// next reads a token, and says where it begins.
func (w *walker) next() (t json.Token, start int) {
	start = w.at()
	for start < len(w.data) && strings.IndexByte(" \t\r\n,:", w.data[start]) >= 0 {
		start++
	}
	t, err := w.dec.Token()
	if err != nil {
		return nil, start
	}
	return t, start
}

func (w *walker) at() int { return w.shift + int(w.dec.InputOffset()) }

func (w *walker) value(path string, name int) {
	t, start := w.next()
	switch t {
	case json.Delim('{'):
		for w.dec.More() {
			key, at := w.next()
			text, ok := key.(string)
			if !ok {
				return
			}
			w.value(strings.TrimPrefix(path+"."+text, "."), at)
		}
		w.next()
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			w.value(fmt.Sprintf("%s[%d]", path, i), 0)
		}
		w.next()
	}
	w.spans[path] = span{name: name, start: start, end: w.at()}
}
