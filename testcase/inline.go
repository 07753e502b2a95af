package testcase

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// InlinePrefix begins the ids of cases that came with their run.
const InlinePrefix = "inline-"

// InlineID names a case that is not stored, after its title: the same for each run of the same file.
func InlineID(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 80 {
			break
		}
	}
	slug := strings.Trim(b.String(), "-")
	if slug == "" {
		sum := sha256.Sum256([]byte(title))
		slug = hex.EncodeToString(sum[:6])
	}
	return InlinePrefix + slug
}
