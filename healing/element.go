package healing

import (
	"slices"
	"strings"
)

// field is what a bag of words is made of.
type field int

const (
	inCaption field = iota // what a person calls the element: text, name, label, alt, title, placeholder, value
	inID                   // id and test id
	inName
	inClass
	inHref
	inAround // neighbours and heading
	inRoot   // the id that the id path begins with
	inKeys   // caption, name and the nearest id in one: a caption that became an id
	inAll    // these, class and href in one
	fields
)

// bag is a set of words: sorted numbers of the page's vocabulary, and the sum of their weights. Words that the page does not have
// are in the sum only.
type bag struct {
	ids []int32
	sum float64
}

// element is a fingerprint made ready to be compared.
type element struct {
	fp       *Fingerprint
	bags     [fields]bag
	caption  string   // the caption's key
	others   []string // the keys of what else it is called: its text beside its accessible name, its title
	meaning  string   // the caption's words as synonyms have them, without fillers
	trigrams []uint32
	href     string // without scheme, query and fragment
	role     string
	kind     kind
	deeds    deed // what its caption says that it does
	landmark string
	idRoot   string // the id that idPath begins with
	idBelow  string
	path     []step
	tags     []int32 // of path, as numbers of the vocabulary
	root     string  // frame and shadow path in one
}

// vocabulary numbers words and knows how many elements have each in each field.
type vocabulary struct {
	ids    map[string]int32
	words  []string
	counts [fields][]int32
	weight [fields][]float64
	rare   float64 // the weight of a word that no element has
}

func (v *vocabulary) add(word string) int32 {
	id, ok := v.ids[word]
	if !ok {
		id = int32(len(v.words)) //nolint:gosec // bounded by the page's words
		v.ids[word] = id
		v.words = append(v.words, word)
	}
	return id
}

// gather collects an element's words by field; number makes a word a number of the vocabulary.
func gather(f *Fingerprint, number func(word string) int32) (sets [fields][]int32) {
	var words []string
	put := func(to field, s string, identifier bool) {
		words = wordsOf(words[:0], s, identifier)
		for _, w := range words {
			id := number(w)
			sets[to] = append(sets[to], id)
			if to != inAround && to != inRoot && len(sets[inAll]) < 2*maxWords {
				sets[inAll] = append(sets[inAll], id)
			}
			if to == inID || to == inName || to == inCaption || to == inRoot {
				sets[inKeys] = append(sets[inKeys], id)
			}
		}
	}
	put(inID, f.TestID, true)
	put(inID, f.ID, true)
	put(inName, f.Name, true)
	put(inCaption, f.AccessibleName, false)
	if f.Text != f.AccessibleName {
		put(inCaption, f.Text, false)
	}
	for _, s := range []string{f.Label, f.Alt, f.Title, f.Placeholder, f.Value} {
		put(inCaption, s, false)
	}
	root, _ := splitIDPath(f.IDPath)
	put(inRoot, root, true)
	put(inKeys, f.Type, true)
	put(inClass, f.Class, true)
	put(inHref, hrefWords(f.Href), true)
	for _, s := range []string{f.Heading, f.Neighbours.Around, f.Neighbours.Left, f.Neighbours.Above, f.Neighbours.Right, f.Neighbours.Below} {
		if len(sets[inAround]) < maxWords {
			put(inAround, s, false)
		}
	}
	for i := range sets {
		sets[i] = sortedSet(sets[i])
	}
	return sets
}

// describe fills in what does not depend on the page's other elements.
func describe(f *Fingerprint) element {
	e := element{
		fp: f, caption: keyOf(captionOf(f)), href: hrefKey(f.Href), role: roleOf(f), path: parsePath(f.XPath),
		root: strings.Join(f.Frame, " ") + "|" + strings.Join(f.Shadow, " "),
	}
	e.others = otherCaptions(f, e.caption)
	e.meaning = meaningOf(captionOf(f))
	e.trigrams = trigrams(nil, e.caption)
	e.kind = kindOfRole(e.role)
	e.deeds = deedsOf(captionOf(f))
	e.landmark = landmarkOf(f, e.path)
	e.idRoot, e.idBelow = splitIDPath(f.IDPath)
	return e
}

// captionOf is what a person would call the element.
func captionOf(f *Fingerprint) string {
	for _, s := range []string{f.AccessibleName, f.Text, f.Value, f.Label, f.Alt, f.Title, f.Placeholder} {
		if s != "" {
			return s
		}
	}
	return ""
}

// otherCaptions are the keys of an element's captions beside the first one.
func otherCaptions(f *Fingerprint, first string) (keys []string) {
	for _, s := range []string{f.Text, f.Title, f.Alt} {
		if key := keyOf(s); key != "" && key != first && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// meaningOf is a caption with synonyms replaced and without fillers: equal ones say the same.
func meaningOf(caption string) string {
	words := slices.DeleteFunc(wordsOf(nil, caption, false), func(word string) bool { return filler[word] })
	return strings.Join(words, " ")
}

// hrefKey is an address without what changes from visit to visit; "" if it leads nowhere.
func hrefKey(href string) string {
	_, rest, ok := strings.Cut(href, "://")
	if !ok {
		rest = href
	}
	rest = strings.TrimPrefix(rest, "www.")
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		if rest[i] == '#' && strings.HasSuffix(rest[:i], "/") {
			return "" // a script's link: "https://host/#"
		}
		rest = rest[:i]
	}
	if strings.HasPrefix(rest, "javascript:") {
		return ""
	}
	return strings.ToLower(strings.TrimRight(rest, "/"))
}

// hrefWords is the part of an address whose words are compared.
func hrefWords(href string) string {
	if hrefKey(href) == "" {
		return ""
	}
	if _, rest, ok := strings.Cut(href, "://"); ok {
		return strings.TrimPrefix(rest, "www.")
	}
	return href
}

func sortedSet[T int32 | uint32](set []T) []T {
	if len(set) < 2 {
		return set
	}
	slices.Sort(set)
	return slices.Compact(set)
}
