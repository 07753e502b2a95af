package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// action is one step in both languages: of a case, and of a test of Playwright's.
type action struct {
	step map[string]any
	line string
}

// scenario is a test in both languages.
type scenario struct {
	title   string
	actions []action
}

// quote writes a text as JavaScript does.
func quote(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(encoded)
}

func visit(path string) action {
	return action{map[string]any{"type": "navigate", "url": path}, "await page.goto(" + quote(path) + ");"}
}

func fill(selector, value string) action {
	return action{
		map[string]any{"type": "change", "selectors": [][]string{{"pierce/" + selector}}, "value": value},
		"await page.locator(" + quote(selector) + ").fill(" + quote(value) + ");",
	}
}

func click(selector string) action {
	return action{
		map[string]any{"type": "click", "selectors": [][]string{{"pierce/" + selector}}},
		"await page.locator(" + quote(selector) + ").click();",
	}
}

func says(selector, text string) action {
	return action{
		custom("assertText", map[string]any{"selectors": [][]string{{"pierce/" + selector}}, "text": text}),
		"await expect(page.locator(" + quote(selector) + ")).toHaveText(" + quote(text) + ");",
	}
}

func titled(title string) action {
	return action{custom("assertTitle", map[string]any{"title": title}), "await expect(page).toHaveTitle(" + quote(title) + ");"}
}

func custom(name string, parameters map[string]any) map[string]any {
	return map[string]any{"type": "customStep", "name": name, "parameters": parameters}
}

// variations is how many tests there are of each kind.
const variations = 8

// scenarios are 40 tests of four to six steps, on the pages of the bundled suite that answer at once.
func scenarios() []scenario {
	goods := []struct{ slug, name string }{
		{"ceylon-cinnamon", "Ceylon cinnamon"},
		{"cassia-cinnamon", "Cassia cinnamon"},
		{"smoked-paprika", "Smoked paprika"},
		{"sweet-paprika", "Sweet paprika"},
		{"black-peppercorn", "Black peppercorn"},
		{"star-anise", "Star anise"},
		{"nutmeg", "Nutmeg"},
		{"saffron", "Saffron"},
	}
	var all []scenario
	for i := range variations {
		email := fmt.Sprintf("guest-%d@spice.example", i)
		g, n := goods[i], i+2
		all = append(all,
			scenario{fmt.Sprintf("Refuse the wrong password of guest %d", i), []action{
				visit("/login"), fill("#email", email), fill("#password", "pepper"), click("#login-button"),
				says("#login-error", "Email or password is wrong. Please try again."),
			}},
			scenario{fmt.Sprintf("Put %d of %s into the cart", n, g.name), []action{
				visit("/products/" + g.slug), says("#product-title", g.name), fill("#quantity", strconv.Itoa(n)), click("#add-to-cart"),
				says("#add-message", fmt.Sprintf("Added %d × %s", n, g.name)), says("#cart-count", strconv.Itoa(n)),
			}},
			scenario{fmt.Sprintf("Weigh %d teaspoons of cinnamon", n), []action{
				visit("/kitchen"), fill("#teaspoons", strconv.Itoa(n)), click("#convert"), says("#grams", fmt.Sprintf("%.1f g", 2.6*float64(n))),
			}},
			scenario{fmt.Sprintf("Join the club as guest %d", i), []action{
				visit("/"), click("#join-club"), fill("#club-email", email), click("#club-submit"),
				says("#club-message", "Welcome to the club, "+email+"!"),
			}},
			scenario{"See " + g.name + " in the cart", []action{
				visit("/products/" + g.slug), click("#add-to-cart"), says("#add-message", "Added 1 × "+g.name), click("#go-to-cart"),
				says(".cart-name", g.name), titled("Your cart · Cinnamon Spice Shop"),
			}},
		)
	}
	return all
}

// definition writes the scenario as a case.
func (s scenario) definition() ([]byte, error) {
	steps := make([]any, 0, len(s.actions))
	for _, a := range s.actions {
		steps = append(steps, a.step)
	}
	text, err := json.MarshalIndent(map[string]any{"title": s.title, "steps": steps}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the case %s: %w", s.title, err)
	}
	return text, nil
}

// spec writes scenarios as a file of Playwright's tests.
func spec(of []scenario) string {
	var b strings.Builder
	b.WriteString("const { test, expect } = require('@playwright/test');\n")
	for _, s := range of {
		b.WriteString("\ntest(" + quote(s.title) + ", async ({ page }) => {\n")
		for _, a := range s.actions {
			b.WriteString("  " + a.line + "\n")
		}
		b.WriteString("});\n")
	}
	return b.String()
}
