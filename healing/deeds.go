package healing

import "strings"

// What the captions of buttons and links say that they do, by hand: a group a line, words as synonyms.go makes them. Two captions that
// name deeds of different groups belong to different elements, however much else they have in common: "Add to cart" and "View cart".
const deedGroups = `
add duplicate copy
delete reset
show see browse read
collapse
edit rename
cancel close back decline reject skip
submit save confirm apply accept agree buy pay checkout finish complete place continue proceed done start
next forward
previous
signin
signout
signup join subscribe
unsubscribe
download export
upload import attach
share
print
search
sort
filter
enable activate
disable deactivate
play resume
pause stop
retry
undo
redo
`

// What may be said in place of one another: a form is sent whatever its button says.
const deedsAlike = `
submit next
submit upload
submit signin
submit signup
submit edit
submit add
submit search
submit filter
signin signup
next show
collapse close
`

// deed is a set of deeds: a bit for each group.
type deed uint64

//nolint:gochecknoglobals // tables that are only read
var deeds, alike = readDeeds()

// readDeeds gives each word its deed, and each deed those that may be said in its place, itself included.
func readDeeds() (words map[string]deed, alike map[deed]deed) {
	words, alike = map[string]deed{}, map[deed]deed{}
	next := deed(1)
	for group := range strings.Lines(deedGroups) {
		for word := range strings.FieldsSeq(group) {
			words[canonical(word)] = next
			alike[next] = next
		}
		next <<= 1
	}
	for line := range strings.Lines(deedsAlike) {
		if f := strings.Fields(line); len(f) == 2 {
			a, b := words[canonical(f[0])], words[canonical(f[1])]
			alike[a] |= b
			alike[b] |= a
		}
	}
	return words, alike
}

// deedsOf are those that a caption names.
func deedsOf(caption string) (found deed) {
	for _, word := range wordsOf(nil, caption, false) {
		found |= deeds[word]
	}
	return found
}

// otherDeed tells whether an element says that something else is done than what is done with one that one clicks.
func otherDeed(a, b *element) bool {
	if a.deeds == 0 || b.deeds == 0 || a.kind != activated {
		return false
	}
	for one := deed(1); one != 0 && one <= a.deeds; one <<= 1 {
		if a.deeds&one != 0 && alike[one]&b.deeds != 0 {
			return false
		}
	}
	return true
}

// canonical is a word as [wordsOf] makes it.
func canonical(word string) string {
	word = singular(word)
	if same, ok := synonyms[word]; ok {
		return same
	}
	return word
}
