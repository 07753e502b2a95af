package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// linkLife is how long a link opens a file without the key. A browser presents none, and neither does the trace viewer.
const linkLife = 24 * time.Hour

// signer makes links that open one file for a while.
type signer struct{ key []byte }

// newSigner derives the signer's key from the API's: a new API key ends all links.
func newSigner(apiKey string) signer {
	return signer{key: sum([]byte(apiKey), "links to artifacts")}
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (s signer) sign(runID, id string, expires int64) string {
	return base64.RawURLEncoding.EncodeToString(sum(s.key, fmt.Sprintf("%q %q %d", runID, id, expires)))
}

// open adds to an address what opens it.
func (s signer) open(address, runID, id string, now time.Time) string {
	expires := now.Add(linkLife).Unix()
	return address + "?" + url.Values{"expires": {strconv.FormatInt(expires, 10)}, "signature": {s.sign(runID, id, expires)}}.Encode()
}

// opens says whether a request came by such a link.
func (s signer) opens(c *gin.Context, now time.Time) bool {
	expires, err := strconv.ParseInt(c.Query("expires"), 10, 64)
	if err != nil || now.Unix() > expires {
		return false
	}
	return hmac.Equal([]byte(c.Query("signature")), []byte(s.sign(c.Param("id"), c.Param("artifact"), expires)))
}

// authorizedOrLinked lets in who presents the key, or follows a link.
func (h *handlers) authorizedOrLinked(c *gin.Context) {
	if h.Key == "" || !h.links.opens(c, time.Now()) {
		h.authorized(c)
	}
}
