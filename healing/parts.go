package healing

// part is one thing that is compared. Each gives a similarity from -1 (they contradict) to 1 (the same).
type part int

const (
	partCaption part = iota
	partCaptionWords
	partCaptionLetters
	partTestID
	partID
	partName
	partClass
	partHref
	partTag
	partRole
	partType
	partAutocomplete
	partLandmark
	partTags
	partPathEnd
	partIDPath
	partPosition
	partSize
	partAround
	partKeys
	partWords
	partRoot
	partVisible
	partTree
	partOffset
	partOrder
	parts
)

// similarities holds one number for each part.
type similarities [parts]float64

// traits says of each part what it is called, what it weighs, and how it is said in a reason: when it speaks for an element,
// and when it speaks against. The weights are set by hand, in quarters; docs/healing.md says what is compared.
var traits = [parts]struct { //nolint:gochecknoglobals // a table that is only read
	name    string
	weight  float64
	favour  string
	against string
}{
	partCaption:        {"caption", 2, "the same caption", ""},
	partCaptionWords:   {"captionWords", 2.5, "similar words", "another caption"},
	partCaptionLetters: {"captionLetters", 1, "a similar spelling", ""},
	partTestID:         {"testId", 4, "the same test id", "another test id"},
	partID:             {"id", 2.5, "the same id", ""},
	partName:           {"name", 1.5, "the same name attribute", ""},
	partClass:          {"class", 1, "similar classes", ""},
	partHref:           {"href", 2, "the same link", ""},
	partTag:            {"tag", 1, "the same tag", ""},
	partRole:           {"role", 1.25, "the same role", "another role"},
	partType:           {"type", 0.5, "the same type", "another type"},
	partAutocomplete:   {"autocomplete", 2, "the same purpose", "another purpose"},
	partLandmark:       {"landmark", 1, "the same part of the page", "another part of the page"},
	partTags:           {"tags", 1, "a similar path", ""},
	partPathEnd:        {"pathEnd", 0.75, "the same end of the path", ""},
	partIDPath:         {"idPath", 1, "the same place below an id", ""},
	partPosition:       {"position", 1, "nearly the same position", ""},
	partSize:           {"size", 1, "nearly the same size", ""},
	partAround:         {"around", 1, "the same neighbours", ""},
	partKeys:           {"keys", 1.5, "the same words in caption, id or name", ""},
	partWords:          {"words", 1.75, "the same words, though in other attributes", ""},
	partRoot:           {"root", 1, "the same frame", "another frame"},
	partTree:           {"tree", 1.5, "the same way to others in the tree", ""},
	partOffset:         {"offset", 1.5, "the same distance to others", ""},
	partOrder:          {"order", 1.5, "the same order among others", "another order among others"},
	partVisible:        {"visible", 1, "", "it cannot be seen"},
}
