package pwgo

import (
	"cmp"
	"context"
	"strings"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// contextOptions says how the session's browser context is to be, as its
// options and its case's config ask.
func (s *session) contextOptions(ctx context.Context) (playwright.BrowserNewContextOptions, error) {
	none := playwright.BrowserNewContextOptions{}
	cfg, err := s.options.Config.Expand(s.lookup(ctx))
	if err != nil {
		return none, err
	}
	options := playwright.BrowserNewContextOptions{AcceptDownloads: new(s.options.Needs.Downloads)}
	if v := s.options.Viewport; v.Width > 0 && v.Height > 0 {
		options.Viewport = &playwright.Size{Width: v.Width, Height: v.Height}
	}
	if cfg.Device != "" {
		device, ok := s.proc.driver.pw.Devices[cfg.Device]
		if !ok {
			return none, failure(browser.Unsupported, nil, "there is no device %q: use one of Playwright's, such as iPhone 15 or Pixel 7", clip(cfg.Device))
		}
		options.UserAgent, options.DeviceScaleFactor = &device.UserAgent, &device.DeviceScaleFactor
		options.IsMobile, options.HasTouch, options.Screen = &device.IsMobile, &device.HasTouch, device.Screen
		if options.Viewport == nil {
			options.Viewport = device.Viewport
			s.options.Viewport = browser.Viewport{Width: device.Viewport.Width, Height: device.Viewport.Height}
		}
		if s.proc.kind.engine == testcase.Firefox {
			options.IsMobile = nil // it knows no such thing
		}
	}
	options.Locale, options.TimezoneId = given(cfg.Locale), given(cfg.Timezone)
	if cfg.ColorScheme != "" {
		options.ColorScheme = (*playwright.ColorScheme)(&cfg.ColorScheme)
	}
	if g := cfg.Geolocation; g != nil {
		options.Geolocation = &playwright.Geolocation{Latitude: g.Latitude, Longitude: g.Longitude, Accuracy: &g.Accuracy}
	}
	if cfg.HTTPUsername != "" {
		options.HttpCredentials = &playwright.HttpCredentials{Username: cfg.HTTPUsername, Password: cfg.HTTPPassword, Origin: s.origin()}
	}
	options.Permissions, options.ExtraHttpHeaders = cfg.Permissions, cfg.ExtraHeaders
	options.IgnoreHttpsErrors = &cfg.IgnoreHTTPSErrors
	options.StorageState = s.storageState(cfg.StorageState)
	return options, nil
}

// origin is where credentials may be sent: to the site of the case alone, if it
// says which that is.
func (s *session) origin() *string {
	site := testcase.Origin(s.options.BaseURL)
	return given(site)
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// storageState is what the browser knows at the beginning.
func (s *session) storageState(asked *testcase.StorageState) *playwright.OptionalStorageState {
	if left, ok := s.options.State.(*storedState); ok && left != nil {
		s.redactor.Learn(left.secrets)
		return left.state
	}
	if asked == nil {
		return nil
	}
	state := &playwright.OptionalStorageState{}
	for _, c := range asked.Cookies {
		state.Cookies = append(state.Cookies, optionalCookie(c, ""))
	}
	for _, o := range asked.Origins {
		origin := playwright.Origin{Origin: o.Origin}
		for name, value := range o.Items {
			origin.LocalStorage = append(origin.LocalStorage, playwright.NameValue{Name: name, Value: value})
		}
		state.Origins = append(state.Origins, origin)
	}
	return state
}

// storedState is the state of a session, for others to begin with. It prints
// nothing of what is in it.
type storedState struct {
	state *playwright.OptionalStorageState
	// secrets are those that may be in it.
	secrets *secret.Redactor
}

// String keeps cookies out of what prints the state.
func (*storedState) String() string { return "storage state" }

// State implements browser.Session.
func (s *session) State(ctx context.Context) (browser.State, error) {
	var state *storedState
	err := s.call(ctx, func() error {
		got, err := s.context.StorageState()
		if err != nil {
			return err
		}
		state = &storedState{state: got.ToOptionalStorageState(), secrets: &secret.Redactor{}}
		return nil
	})
	if err != nil {
		return nil, s.redact(s.explain(func() *tab { return nil }, err))
	}
	state.secrets.Learn(s.redactor)
	return state, nil
}

// refusal says that a browser context can't be as it was asked for; nil if the
// error is about something else.
func refusal(err error) error {
	if browser.KindOf(err) != "" {
		return err
	}
	text := saidByPlaywright(err)
	for _, sign := range []string{
		"Invalid timezone", "Unsupported timezone", "Unknown permission", "locale", "geolocation", "Cookie should", "Invalid cookie",
		"not supported", "storage state", "Invalid header", "Invalid URL", "Unsupported",
	} {
		if strings.Contains(text, sign) {
			return failure(browser.Unsupported, err, "the browser can't be set up as the case's config asks: %s", usefulLine(err))
		}
	}
	return nil
}

func optionalCookie(c testcase.Cookie, address string) playwright.OptionalCookie {
	cookie := playwright.OptionalCookie{Name: c.Name, Value: c.Value, HttpOnly: &c.HTTPOnly, Secure: &c.Secure}
	switch {
	case c.Domain != "":
		cookie.Domain, cookie.Path = &c.Domain, new(cmp.Or(c.Path, "/"))
	case c.URL != "":
		cookie.URL = &c.URL
	default:
		cookie.URL = &address
	}
	if c.SameSite != "" {
		cookie.SameSite = (*playwright.SameSiteAttribute)(&c.SameSite)
	}
	if c.Expires > 0 {
		cookie.Expires = &c.Expires
	}
	return cookie
}
