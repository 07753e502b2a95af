package payload

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// keyBytes is how long a key is: AES-256.
const keyBytes = 32

// Key is one key of a list.
type Key struct {
	// ID is written beside each payload that is sealed with the key.
	ID     string
	secret [keyBytes]byte
}

// String names the key and keeps its bytes out of what prints it.
func (k Key) String() string { return "payload key " + k.ID }

// GoString names the key and keeps its bytes out of what prints it.
func (k Key) GoString() string { return k.String() }

// Keys are the keys of a namespace. The first one seals, all of them open.
type Keys []Key

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ParseKeys reads a list of id:base64, separated by commas or white space; each
// key has 32 bytes. An empty list is one without keys. The error tells all that
// is wrong, and nothing of a key's bytes.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	var problems []error
	named, seen := map[string]bool{}, map[[keyBytes]byte]string{}
	separator := func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }
	for i, entry := range strings.FieldsFunc(text, separator) {
		key, err := parseKey(entry)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("entry %d: %w", i+1, err))
			continue
		case named[key.ID]:
			problems = append(problems, fmt.Errorf("entry %d: there is another key called %s", i+1, key.ID))
		case seen[key.secret] != "":
			problems = append(problems, fmt.Errorf("entry %d: key %s has the same bytes as %s", i+1, key.ID, seen[key.secret]))
		}
		named[key.ID], seen[key.secret] = true, key.ID
		keys = append(keys, key)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return keys, nil
}

func parseKey(entry string) (Key, error) {
	id, encoded, ok := strings.Cut(entry, ":")
	if !ok {
		return Key{}, errors.New("it must be id:base64, for example 2026a:$(openssl rand -base64 32)")
	}
	if !validID.MatchString(id) {
		return Key{}, errors.New("its id must be 1 to 64 letters, digits, dots, dashes or underscores")
	}
	secret, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return Key{}, fmt.Errorf("key %s is not base64", id) // what is wrong with it would quote it
	}
	if len(secret) != keyBytes {
		return Key{}, fmt.Errorf("key %s has %d bytes: it must have %d; make one with: openssl rand -base64 %d", id, len(secret), keyBytes, keyBytes)
	}
	return Key{ID: id, secret: [keyBytes]byte(secret)}, nil
}
