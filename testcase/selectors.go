package testcase

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// The prefixes of selectors; one without a prefix is CSS.
const (
	prefixARIA   = "aria/"
	prefixText   = "text/"
	prefixXPath  = "xpath/"
	prefixPierce = "pierce/"
)

// selectorHelp is what a missing selector is answered with.
const selectorHelp = "at least one selector"

// readSelectors reads the alternatives of a step: "selectors" as Recorder
// writes it, as a list of strings or as one string; or "selector", a string.
func readSelectors(o object, s *Step) {
	plural, hasPlural := o.raw("selectors", optional, "")
	singular, hasSingular := o.raw("selector", optional, "")
	switch {
	case hasPlural && hasSingular:
		o.problem("selector", "and selectors are both given: give one of them")
	case hasPlural:
		s.Selectors = o.alternatives("selectors", plural)
	case hasSingular:
		if part, ok := o.selectorPart("selector", singular); ok {
			s.Selectors = []Selector{{part}}
		}
	default:
		o.problem("selectors", "is missing: give "+selectorHelp)
	}
}

// readSelectorsIfAny is readSelectors for a step that may do without.
func readSelectorsIfAny(o object, s *Step) {
	if !o.absent("selectors") || !o.absent("selector") {
		readSelectors(o, s)
	}
}

func (o object) alternatives(name string, raw json.RawMessage) []Selector {
	if raw[0] == '"' {
		part, ok := o.selectorPart(name, raw)
		if !ok {
			return nil
		}
		return []Selector{{part}}
	}
	entries, ok := o.list(name, required, "a selector or a list of selectors", MaxAlternatives)
	if !ok {
		return nil
	}
	if len(entries) == 0 {
		o.problem(name, "is empty: give "+selectorHelp)
	}
	selectors := make([]Selector, 0, len(entries))
	for i, entry := range entries {
		if selector, ok := o.alternative(fmt.Sprintf("%s[%d]", name, i), entry); ok {
			selectors = append(selectors, selector)
		}
	}
	return selectors
}

func (o object) alternative(name string, raw json.RawMessage) (Selector, bool) {
	if raw[0] == '"' {
		part, ok := o.selectorPart(name, raw)
		return Selector{part}, ok
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		o.problem(name, "must be a selector or a list of selectors")
		return nil, false
	}
	if len(parts) == 0 || len(parts) > maxParts {
		o.problem(name, fmt.Sprintf("has %d parts: give between 1 and %d", len(parts), maxParts))
		return nil, false
	}
	selector := make(Selector, 0, len(parts))
	for _, raw := range parts {
		part, ok := o.selectorPart(name, raw)
		if !ok {
			return nil, false
		}
		selector = append(selector, part)
	}
	return selector, true
}

func (o object) selectorPart(name string, raw json.RawMessage) (string, bool) {
	part, ok := o.asText(name, raw, maxSelectorPart)
	if !ok {
		return "", false
	}
	body := part
	for _, prefix := range []string{prefixARIA, prefixText, prefixXPath, prefixPierce} {
		if rest, found := strings.CutPrefix(part, prefix); found {
			body = rest
			break
		}
	}
	if strings.TrimSpace(body) == "" {
		o.problem(name, "is empty: give "+selectorHelp)
		return "", false
	}
	if body == part && (strings.Contains(part, "::-p-") || strings.Contains(part, ">>>")) {
		o.problem(name, fmt.Sprintf("%q uses Puppeteer's own syntax, which is not supported: use a list of selectors, aria/, text/, xpath/ or pierce/", part))
		return "", false
	}
	return part, true
}

// String writes the alternative as one text, its parts joined by " >> ".
func (s Selector) String() string { return strings.Join(s, " >> ") }

var ariaAttribute = regexp.MustCompile(`\s*\[\s*(name|role)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]`)

// ARIA splits an aria/ selector into the accessible name and the role, either
// of which may be empty; false if the part is no aria/ selector.
func ARIA(part string) (name, role string, ok bool) {
	body, ok := strings.CutPrefix(part, prefixARIA)
	if !ok {
		return "", "", false
	}
	unescape := strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`)
	rest := ariaAttribute.ReplaceAllStringFunc(body, func(attribute string) string {
		m := ariaAttribute.FindStringSubmatch(attribute)
		value := unescape.Replace(m[2] + m[3])
		if m[1] == "role" {
			role = value
		} else {
			name = value
		}
		return ""
	})
	if name == "" {
		name = strings.TrimSpace(rest)
	}
	return name, role, true
}
