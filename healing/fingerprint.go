package healing

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Version is the version of the JSON form that this package writes. It reads all earlier ones.
const Version = 1

// Bounds of a fingerprint. Strings are counted in bytes and cut at a whole character.
const (
	MaxText  = 400  // texts and attributes
	MaxPath  = 2048 // xpath, idPath, and each element of frame and shadow
	MaxDepth = 16   // elements of frame and shadow
	MaxPixel = 1e6  // coordinates and sizes, both ways
)

// Fingerprint is what is known of one element. Every field may be empty: what is not known is not compared. Texts are as a person
// sees them, with runs of white space as one space; strings longer than their bound ([MaxText] unless said otherwise) are cut.
type Fingerprint struct {
	// Version is that of the form: [Version]. 0 is taken for 1.
	Version int `json:"version"`

	// Tag is the element's name in lower case: "a", "input".
	Tag string `json:"tag,omitempty"`
	// ID, Name, Class, Type, Alt, Title and Placeholder are the attributes as they are written in the page.
	ID          string `json:"id,omitempty"`
	Name        string `json:"name,omitempty"`
	Class       string `json:"class,omitempty"`
	Type        string `json:"type,omitempty"`
	Alt         string `json:"alt,omitempty"`
	Title       string `json:"title,omitempty"`
	Placeholder string `json:"placeholder,omitempty"`
	// Autocomplete says what a field is for: "email", "postal-code". Neither "on" nor "off".
	Autocomplete string `json:"autocomplete,omitempty"`
	// TestID is the value of the attribute that tests go by, whatever it is called: data-testid, data-test, data-qa, data-cy.
	TestID string `json:"testId,omitempty"`
	// Href is where a link leads, as an absolute address, or the action of a form's button. If it ends in a question
	// mark, its query was left out.
	Href string `json:"href,omitempty"`
	// Value is the caption of a button (input of type submit, button or reset). Never what somebody typed.
	Value string `json:"value,omitempty"`

	// Role is the role in the accessibility tree, explicit or implied: "link", "button", "textbox". Without one it follows from the tag.
	Role string `json:"role,omitempty"`
	// AccessibleName is the name in the accessibility tree; Label the text of the label elements of a form field.
	AccessibleName string `json:"accessibleName,omitempty"`
	Label          string `json:"label,omitempty"`
	// Text is the visible text of the element and what is in it (innerText).
	Text string `json:"text,omitempty"`
	// Neighbours is the text of what stands nearby.
	Neighbours Neighbours `json:"neighbours,omitzero"`
	// Heading is the nearest heading before the element, or the legend or caption of the group that it is in.
	Heading string `json:"heading,omitempty"`
	// Landmark is the role of the nearest landmark around it: "banner", "navigation", "main", "complementary", "contentinfo",
	// "search", "form", "region", "dialog". Without one it is guessed from the path.
	Landmark string `json:"landmark,omitempty"`

	// XPath is the path from the root of the element's document or shadow root, every step with its number:
	// "/html[1]/body[1]/div[2]/a[1]". At most [MaxPath].
	XPath string `json:"xpath,omitempty"`
	// IDPath is the path from the nearest element with an id, itself included: "//*[@id='menu']/a[1]". At most [MaxPath].
	IDPath string `json:"idPath,omitempty"`
	// Frame and Shadow lead from the page to the element's document, and from there to its shadow root: the xpath of each
	// frame and of each shadow host on the way, the outermost first. At most [MaxDepth] each, of [MaxPath].
	Frame  []string `json:"frame,omitempty"`
	Shadow []string `json:"shadow,omitempty"`

	// Box is where the element stands in the page (not in the window); nil if that is not known.
	Box *Box `json:"box,omitempty"`
	// Visible tells whether a person could see it (a box with some area, not hidden, not transparent); nil if that is not known.
	Visible *bool `json:"visible,omitempty"`
	// Disabled, Checked, ReadOnly and Required are the states of a form field.
	Disabled bool `json:"disabled,omitempty"`
	Checked  bool `json:"checked,omitempty"`
	ReadOnly bool `json:"readOnly,omitempty"`
	Required bool `json:"required,omitempty"`
}

// Neighbours is the text of the nearest element on each side, and Around that of everything close by.
type Neighbours struct {
	Above  string `json:"above,omitempty"`
	Below  string `json:"below,omitempty"`
	Left   string `json:"left,omitempty"`
	Right  string `json:"right,omitempty"`
	Around string `json:"around,omitempty"`
}

// Box is a rectangle in CSS pixels from the upper left corner of the page, each within ±[MaxPixel].
type Box struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Parse reads the JSON form of a fingerprint and bounds it. Unknown fields are ignored, so that a capture may know more than this
// package; a version from the future is an error.
func Parse(data []byte) (Fingerprint, error) {
	var f Fingerprint
	if err := json.Unmarshal(data, &f); err != nil {
		return Fingerprint{}, fmt.Errorf("reading a fingerprint: %w", err)
	}
	if f.Version < 0 || f.Version > Version {
		return Fingerprint{}, fmt.Errorf("reading a fingerprint: its version is %d, and this program knows those up to %d: update it, or capture the element again", f.Version, Version)
	}
	return f.Bounded(), nil
}

// Bounded returns the fingerprint with everything within its bound, valid UTF-8, and its tag in lower case. [NewPage] and [Page.Rank] bound
// what they are given; whoever stores fingerprints should do so, too.
func (f Fingerprint) Bounded() Fingerprint {
	f.Version = Version
	f.Tag = strings.ToLower(cut(f.Tag, MaxText))
	for _, s := range []*string{
		&f.ID, &f.Name, &f.Class, &f.Type, &f.Alt, &f.Title, &f.Placeholder, &f.Autocomplete, &f.TestID, &f.Href, &f.Value, &f.Role, &f.AccessibleName,
		&f.Label, &f.Text, &f.Heading, &f.Landmark,
		&f.Neighbours.Above, &f.Neighbours.Below, &f.Neighbours.Left, &f.Neighbours.Right, &f.Neighbours.Around,
	} {
		*s = cut(*s, MaxText)
	}
	f.XPath, f.IDPath = cut(f.XPath, MaxPath), cut(f.IDPath, MaxPath)
	f.Frame, f.Shadow = cutAll(f.Frame), cutAll(f.Shadow)
	if f.Box != nil {
		f.Box = &Box{pixel(f.Box.X), pixel(f.Box.Y), max(0, pixel(f.Box.Width)), max(0, pixel(f.Box.Height))}
	}
	return f
}

func pixel(v float64) float64 {
	if v != v { // not a number
		return 0
	}
	return min(max(v, -MaxPixel), MaxPixel)
}

func cut(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	if utf8.ValidString(s) {
		return s
	}
	// A replacement is longer than the byte it stands for: cut again.
	return cut(strings.ToValidUTF8(s, ""), limit)
}

func cutAll(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	list = append([]string(nil), list[:min(len(list), MaxDepth)]...)
	for i := range list {
		list[i] = cut(list[i], MaxPath)
	}
	return list
}
