package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"

	"github.com/cinnamon-qa/cinnamon/payload"
)

// mostKeyFile bounds the file of payload keys, in bytes.
const mostKeyFile = 64 << 10

// validToken is a token that can be a part of an address as it is.
var validToken = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,128}$`)

// finish reads the file of payload keys and checks the keys.
func (t *Temporal) finish() error {
	variable := "TEMPORAL_PAYLOAD_KEYS"
	if t.PayloadKeysFile != "" {
		if t.PayloadKeys != "" {
			return errors.New("TEMPORAL_PAYLOAD_KEYS and TEMPORAL_PAYLOAD_KEYS_FILE are both set: keep one of them")
		}
		text, err := readBounded(t.PayloadKeysFile, mostKeyFile)
		if err != nil {
			return fmt.Errorf("reading TEMPORAL_PAYLOAD_KEYS_FILE: %w", err)
		}
		variable, t.PayloadKeys = "TEMPORAL_PAYLOAD_KEYS_FILE", Secret(text)
	}
	keys, err := payload.ParseKeys(t.PayloadKeys.Reveal())
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", variable, err)
	case len(keys) == 0 && t.PayloadKeysFile != "":
		return fmt.Errorf("%s: there is no key in %s", variable, t.PayloadKeysFile)
	}
	return nil
}

// Codec makes what seals and opens payloads with the keys.
func (t *Temporal) Codec() (*payload.Codec, error) {
	keys, err := payload.ParseKeys(t.PayloadKeys.Reveal())
	if err != nil {
		return nil, fmt.Errorf("reading TEMPORAL_PAYLOAD_KEYS: %w", err)
	}
	return payload.NewCodec(t.Namespace, keys)
}

func readBounded(name string, most int64) (text []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return text, err
}

func (c *Codec) validate(bad func(format string, args ...any)) {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		bad("CODEC_ADDR is %q: it must be host:port, for example 127.0.0.1:8234", c.Addr)
	}
	if c.Token != "" && !validToken.MatchString(c.Token.Reveal()) {
		bad("CODEC_TOKEN must be 16 to 128 letters, digits, dots, dashes, underscores or tildes: make one with: openssl rand -hex 24")
	}
}

// RequirePayloadKeys says what to set when a role is of no use without keys.
func (c *Config) RequirePayloadKeys() error {
	if c.Temporal.PayloadKeys == "" {
		return errors.New("TEMPORAL_PAYLOAD_KEYS is not set: give the keys that workers and API have, id:base64 separated by commas; " +
			"make the first with: echo a:$(openssl rand -base64 32)")
	}
	return nil
}
