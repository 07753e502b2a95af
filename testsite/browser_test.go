package testsite_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testsite"
)

// A browser is a client with cookies of its own. It follows redirects.
type browser struct {
	t      *testing.T
	client *http.Client
	base   string
}

// An answer is a response that was read to its end.
type answer struct {
	status int
	path   string // after redirects
	body   string
	header http.Header
}

type shop struct {
	t      *testing.T
	server *httptest.Server
}

func open(t *testing.T, o testsite.Options) shop {
	t.Helper()
	server := httptest.NewServer(testsite.Handler(o))
	t.Cleanup(server.Close)
	return shop{t: t, server: server}
}

func (s shop) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	transport, ok := s.server.Client().Transport.(*http.Transport)
	require.True(s.t, ok)
	return &browser{t: s.t, base: s.server.URL, client: &http.Client{Jar: jar, Transport: transport}}
}

func (b *browser) do(method, path, contentType string, body io.Reader, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	require.NoError(b.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, res.Body.Close()) }()
	data, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{status: res.StatusCode, path: res.Request.URL.Path, body: string(data), header: res.Header}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", nil)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), header...)
}

func (b *browser) upload(field, name string, content []byte) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	require.NoError(b.t, err)
	_, err = part.Write(content)
	require.NoError(b.t, err)
	require.NoError(b.t, form.Close())
	return b.do(http.MethodPost, "/gift", form.FormDataContentType(), &body)
}

func (b *browser) cookie(name string) string {
	b.t.Helper()
	base, err := url.Parse(b.base)
	require.NoError(b.t, err)
	for _, c := range b.client.Jar.Cookies(base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// A dialect is how one version of the shop names and says things.
type dialect struct {
	version int
	names   map[string]string // our name of a field → the form's
	add     string
	empty   string
}

func dialects() []dialect {
	return []dialect{
		{version: 1, add: "Add to cart", empty: "Your cart is empty."},
		{version: 2, add: "Add to basket", empty: "Your basket is empty.", names: map[string]string{
			"email": "customer_mail", "password": "customer_secret", "name": "full_name", "address": "street_line",
			"postcode": "zip", "city": "town", "country": "country_code", "shipping": "delivery", "card": "pan",
			"expiry": "valid_thru", "terms": "consent", "variant": "size", "quantity": "qty", "photo": "attachment",
		}},
	}
}

// form spells a form as this version does.
func (d dialect) form(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(d.name(pairs[i]), pairs[i+1])
	}
	return form
}

func (d dialect) name(field string) string {
	if renamed, ok := d.names[field]; ok {
		return renamed
	}
	return field
}

// inBoth runs a test against each version.
func inBoth(t *testing.T, test func(t *testing.T, d dialect, b *browser)) {
	t.Helper()
	for _, d := range dialects() {
		t.Run("v"+strconv.Itoa(d.version), func(t *testing.T) {
			t.Parallel()
			test(t, d, open(t, testsite.Options{Version: d.version}).browser())
		})
	}
}
