package healing

import (
	"slices"
	"strings"
)

// roleOf is the role of an element: the one that it was captured with, or what follows from tag and type.
func roleOf(f *Fingerprint) string {
	if f.Role != "" {
		role, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(f.Role)), " ")
		return role
	}
	switch f.Tag {
	case "a", "area":
		return "link"
	case "button", "summary":
		return "button"
	case "select":
		return "combobox"
	case "textarea":
		return "textbox"
	case "option":
		return "option"
	case "img", "svg":
		return "img"
	case "h1", "h2", "h3", "h4", "h5", "h6":
		return "heading"
	case "li":
		return "listitem"
	case "td":
		return "cell"
	case "input":
		switch strings.ToLower(f.Type) {
		case "button", "submit", "reset", "image":
			return "button"
		case "checkbox", "radio":
			return strings.ToLower(f.Type)
		case "range":
			return "slider"
		case "number":
			return "spinbutton"
		case "search":
			return "searchbox"
		case "hidden":
			return "none"
		case "file":
			return "file"
		case "":
			if f.Value != "" {
				return "button" // only buttons are captured with their value
			}
		}
		return "textbox"
	}
	if looksLikeButton(f.ID) || looksLikeButton(f.Class) {
		return "button"
	}
	return "generic"
}

// looksLikeButton tells whether some word of an id or a class says that it is one.
func looksLikeButton(s string) bool {
	found := false
	eachWord(s, true, func(word string) { found = found || word == "button" || word == "btn" })
	return found
}

// kind is what one can do with an element. What was done with the old one must be possible with the new one.
type kind int

const (
	plain     kind = iota // text, pictures, containers: what is in a button may be clicked in its place
	activated             // clicked: links, buttons, tabs, menu items
	typed                 // filled with text
	toggled               // on or off
	chosen                // one of several choices
	moved                 // sliders
	uploaded              // files
)

func kindOfRole(role string) kind {
	switch role {
	case "link", "button", "menuitem", "tab", "treeitem", "gridcell":
		return activated
	case "textbox", "searchbox", "spinbutton":
		return typed
	case "checkbox", "switch", "menuitemcheckbox", "radio", "menuitemradio":
		return toggled
	case "combobox", "listbox", "option":
		return chosen
	case "slider":
		return moved
	case "file":
		return uploaded
	default:
		return plain
	}
}

// compatible tells whether an element of role b can take the place of one of role a.
func compatible(a, b string) bool {
	from, to := kindOfRole(a), kindOfRole(b)
	switch {
	case from == to:
		return a != "radio" && b != "radio" && a != "menuitemradio" && b != "menuitemradio" || a == b
	case a == "heading":
		return to == plain // a text that is looked at, not clicked
	case from == plain:
		return true
	case from == activated:
		return to == plain
	case from == typed:
		return b == "combobox" // one that completes what is typed
	case from == chosen:
		return b == "searchbox" && a == "combobox"
	default:
		return false
	}
}

// landmarkOf is the landmark that an element is in: the one it was captured with, or one guessed from tags and ids on its path.
func landmarkOf(f *Fingerprint, steps []step) string {
	if f.Landmark != "" {
		return strings.ToLower(f.Landmark)
	}
	for _, s := range slices.Backward(steps) {
		switch s.tag {
		case "header":
			return "banner"
		case "footer":
			return "contentinfo"
		case "nav":
			return "navigation"
		case "main":
			return "main"
		case "aside":
			return "complementary"
		case "dialog":
			return "dialog"
		}
	}
	id, _ := splitIDPath(f.IDPath)
	found := ""
	eachWord(id, true, func(word string) {
		switch {
		case found != "":
		case strings.Contains(word, "footer"):
			found = "contentinfo"
		case strings.Contains(word, "header"), word == "banner", word == "masthead":
			found = "banner"
		case strings.HasPrefix(word, "nav"), word == "menu":
			found = "navigation"
		}
	})
	return found
}
