package healing

import "strings"

// How sure one may be of an element that is the sole one of its kind on both pages: that leads where it led or is for what it was for,
// or that is called the same on a page whose other elements have changed, too.
const (
	sureOfPurpose = 0.9
	sureOfCaption = 0.5
	redesigned    = 0.6 // what is typical of pages where others have changed, at the most
)

// TrustSole raises the confidence in the best candidate if it is the sole element that one can see with the target's purpose, on this page
// and on the old one, where the target is: a link's address, a field's autocomplete, being the field for a password or a file. A caption
// of several words on something that one clicks does so, too, if the page was redesigned: then nothing has kept its place.
func (p *Page) TrustSole(old *Page, target int, r *Ranking) {
	if len(r.Candidates) == 0 || target < 0 || target >= old.Len() {
		return
	}
	best, wanted := r.Best().Index, &old.elements[target]
	sole := func(key func(*element) string) bool {
		what := key(wanted)
		return what != "" && old.sole(what, key) == target && p.sole(what, key) == best
	}
	if sole(purposeOf) {
		r.Confidence = max(r.Confidence, sureOfPurpose)
	}
	if r.Evidence.Typical > 0 && r.Evidence.Typical < redesigned && sole(callOf) {
		r.Confidence = max(r.Confidence, sureOfCaption)
	}
}

// sole is the only element that one can see with a key; -1 if there is none or more of them.
func (p *Page) sole(what string, key func(*element) string) int {
	sole := -1
	for i := range p.elements {
		e := &p.elements[i]
		if e.fp.Visible != nil && !*e.fp.Visible || key(e) != what {
			continue
		}
		if sole >= 0 {
			return -1
		}
		sole = i
	}
	return sole
}

// callOf is what something that one clicks is called, if that are several words.
func callOf(e *element) string {
	if e.kind != activated || !strings.Contains(e.meaning, " ") {
		return ""
	}
	return e.root + e.meaning
}

// purposeOf is where a link leads or what a field is for; "" if that is not known for certain.
func purposeOf(e *element) string {
	f := e.fp
	switch {
	case f.Tag == "a" && !strings.Contains(f.Href, "?"): // the query, which is not captured, may say what it is all about
		if e.href != "" {
			return "link " + e.href
		}
		return ""
	case f.Autocomplete != "":
		return "field " + f.Autocomplete
	case f.Tag == "input" && (f.Type == "password" || f.Type == "file"):
		return f.Type
	default:
		return ""
	}
}
