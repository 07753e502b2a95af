package payload

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// What is written beside the bytes of a sealed payload. The names are those of
// Temporal's own samples, which its tools know.
const (
	Encoding = "binary/encrypted"
	KeyID    = "encryption-key-id"
)

var (
	// ErrNoKey says that a payload is sealed with a key that is not in the list.
	ErrNoKey = errors.New("the key is not among TEMPORAL_PAYLOAD_KEYS")
	// ErrSealed says that a payload can't be opened with the key it names.
	ErrSealed = errors.New("it was changed, or sealed for another namespace or with another key of the same id")
)

// Codec seals and opens payloads. It implements converter.PayloadCodec, and may
// be used by several goroutines.
type Codec struct {
	namespace string
	sealWith  string
	ciphers   map[string]cipher.AEAD
	ids       []string
}

// NewCodec makes the codec of a namespace. Without keys it leaves payloads as
// they are, and says which key it lacks for one that is sealed.
func NewCodec(namespace string, keys Keys) (*Codec, error) {
	c := &Codec{namespace: namespace, ciphers: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		block, err := aes.NewCipher(key.secret[:])
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", key, err)
		}
		// Each payload gets a nonce of its own, from the system's random source. 96 bits are enough for 2^32 payloads of a key.
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", key, err)
		}
		c.ciphers[key.ID] = aead
		c.ids = append(c.ids, key.ID)
	}
	if len(keys) > 0 {
		c.sealWith = keys[0].ID
	}
	return c, nil
}

// Seals reports whether there is a key to seal with.
func (c *Codec) Seals() bool { return c.sealWith != "" }

// Encode implements converter.PayloadCodec: it seals payloads, what they say of themselves included.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if !c.Seals() {
		return payloads, nil
	}
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return payloads, fmt.Errorf("sealing a payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(Encoding), KeyID: []byte(c.sealWith)},
			Data:     c.ciphers[c.sealWith].Seal(nil, nil, plain, c.bound(c.sealWith)), //nolint:gosec // the cipher makes the nonce
		}
	}
	return sealed, nil
}

// Decode implements converter.PayloadCodec: it opens sealed payloads and leaves others as they are.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		opened[i] = p
		if string(p.GetMetadata()[converter.MetadataEncoding]) != Encoding {
			continue
		}
		plain, err := c.open(p)
		if err != nil {
			return payloads, err
		}
		opened[i] = plain
	}
	return opened, nil
}

func (c *Codec) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	id := string(p.GetMetadata()[KeyID])
	aead, ok := c.ciphers[id]
	if !ok {
		return nil, fmt.Errorf("opening a payload sealed with key %q, here are %s: %w", shown(id), c.KeyIDs(), ErrNoKey)
	}
	plain, err := aead.Open(nil, nil, p.GetData(), c.bound(id))
	if err != nil {
		return nil, fmt.Errorf("opening a payload sealed with key %q: %w", id, ErrSealed)
	}
	inner := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, inner); err != nil {
		return nil, fmt.Errorf("opening a payload sealed with key %q: %w", id, ErrSealed)
	}
	return inner, nil
}

// bound is what a sealed payload is tied to: it can't be passed off as one of another namespace, key or encoding.
func (c *Codec) bound(id string) []byte {
	return []byte(strings.Join([]string{Encoding, id, c.namespace}, "\x00"))
}

// KeyIDs names the keys, in words.
func (c *Codec) KeyIDs() string {
	if len(c.ids) == 0 {
		return "none"
	}
	return strings.Join(c.ids, ", ")
}

// shown is an id as messages quote it: it comes from the server and may be anything.
func shown(id string) string {
	if len(id) > 64 {
		return strings.ToValidUTF8(id[:64], "?") + "…"
	}
	return strings.ToValidUTF8(id, "?")
}
