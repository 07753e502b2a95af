package payload_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/cinnamon-qa/cinnamon/payload"
)

// keyText is a key as settings write it: its id and 32 times the same byte.
func keyText(id string, b byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

func codec(tb testing.TB, namespace string, keys ...string) *payload.Codec {
	tb.Helper()
	list, err := payload.ParseKeys(strings.Join(keys, ","))
	require.NoError(tb, err)
	c, err := payload.NewCodec(namespace, list)
	require.NoError(tb, err)
	return c
}

func of(data string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data)}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	a, b := keyText("a", 1), keyText("b.2-x_Y", 2)
	for _, text := range []string{a + "," + b, a + "\n" + b + "\n", " " + a + " ,\t" + b, strings.ReplaceAll(a+","+b, "=", "")} {
		keys, err := payload.ParseKeys(text)
		require.NoError(t, err, text)
		require.Len(t, keys, 2)
		require.Equal(t, "a", keys[0].ID)
		require.Equal(t, "b.2-x_Y", keys[1].ID)
		for _, shown := range []string{fmt.Sprint(keys), fmt.Sprintf("%+v", keys), fmt.Sprintf("%#v", keys[0])} {
			require.NotContains(t, shown, "1 1 1")
			require.NotContains(t, shown, "0x1")
		}
	}
	none, err := payload.ParseKeys(" \n")
	require.NoError(t, err)
	require.Empty(t, none)

	secret := base64.StdEncoding.EncodeToString([]byte("paprika paprika"))
	_, err = payload.ParseKeys("one " + keyText("", 1) + " x:" + secret + " y:???" + secret + " " + a + " " + a + " " + keyText("c", 1))
	for _, problem := range []string{
		"entry 1: it must be id:base64", "entry 2: its id must be", "entry 3: key x has 15 bytes: it must have 32", "entry 4: key y is not base64",
		"entry 6: there is another key called a", "entry 7: key c has the same bytes as a",
	} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), secret)
	require.NotContains(t, err.Error(), "AQEB")
}

func TestCodecSealsAndOpens(t *testing.T) {
	t.Parallel()
	old, c := codec(t, "ns", keyText("old", 1)), codec(t, "ns", keyText("new", 2), keyText("old", 1))
	plain := of(`{"title":"Sign in"}`)
	before := proto.Clone(plain)
	sealed, err := old.Encode([]*commonpb.Payload{plain, plain})
	require.NoError(t, err)
	require.True(t, proto.Equal(before, plain), "what was given is not changed")
	require.Equal(t, payload.Encoding, string(sealed[0].GetMetadata()[converter.MetadataEncoding]))
	require.Equal(t, "old", string(sealed[0].GetMetadata()[payload.KeyID]))
	require.NotContains(t, string(sealed[0].GetData()), "Sign in")
	require.NotEqual(t, sealed[0].GetData(), sealed[1].GetData(), "each has a nonce of its own")

	// One with the new key in front opens both, and leaves what is not sealed.
	opened, err := c.Decode([]*commonpb.Payload{sealed[0], plain})
	require.NoError(t, err)
	require.True(t, proto.Equal(plain, opened[0]))
	require.Same(t, plain, opened[1])
	renewed, err := c.Encode([]*commonpb.Payload{plain})
	require.NoError(t, err)
	require.Equal(t, "new", string(renewed[0].GetMetadata()[payload.KeyID]))

	// One without the new key says which.
	_, err = old.Decode(renewed)
	require.ErrorIs(t, err, payload.ErrNoKey)
	require.ErrorContains(t, err, `opening a payload sealed with key "new", here are old: the key is not among TEMPORAL_PAYLOAD_KEYS`)
	_, err = codec(t, "ns").Decode(renewed)
	require.ErrorContains(t, err, "here are none")

	// Neither another namespace's nor a changed one is opened.
	for name, other := range map[string]*payload.Codec{
		"namespace": codec(t, "other", keyText("old", 1)), "bytes": codec(t, "ns", keyText("old", 3)),
	} {
		_, err = other.Decode(sealed)
		require.ErrorIs(t, err, payload.ErrSealed, name)
	}
	for i := range sealed[0].GetData() {
		changed := proto.CloneOf(sealed[0])
		changed.Data[i] ^= 1
		_, err = old.Decode([]*commonpb.Payload{changed})
		require.ErrorIs(t, err, payload.ErrSealed)
	}
	moved := proto.CloneOf(sealed[0])
	moved.Metadata[payload.KeyID] = []byte("alias")
	_, err = codec(t, "ns", keyText("alias", 1)).Decode([]*commonpb.Payload{moved})
	require.ErrorIs(t, err, payload.ErrSealed, "the id is sealed, too")
}

func TestWithoutKeysNothingChanges(t *testing.T) {
	t.Parallel()
	c := codec(t, "ns")
	require.False(t, c.Seals())
	plain := []*commonpb.Payload{of("1")}
	same, err := c.Encode(plain)
	require.NoError(t, err)
	require.Equal(t, plain, same)
	failure := payload.FailureConverter(c).ErrorToFailure(errors.New("as it is"))
	require.Equal(t, "as it is", failure.GetMessage())
}

func TestFailuresAreSealed(t *testing.T) {
	t.Parallel()
	c := codec(t, "ns", keyText("a", 1))
	failures := payload.FailureConverter(c)
	failure := failures.ErrorToFailure(temporal.NewNonRetryableApplicationError("the login failed", "invalid", nil, "detail"))
	text, err := proto.Marshal(failure)
	require.NoError(t, err)
	require.NotContains(t, string(text), "login")
	require.NotContains(t, string(text), "detail")
	back, ok := errors.AsType[*temporal.ApplicationError](failures.FailureToError(failure))
	require.True(t, ok)
	require.Equal(t, "the login failed", back.Message())
	require.Equal(t, "invalid", back.Type(), "workflow code goes by it, with or without keys")
	require.True(t, back.NonRetryable())
	var detail string
	require.NoError(t, back.Details(&detail))
	require.Equal(t, "detail", detail)
}

// A worker with the wrong keys must not end the workflows that it can't read.
func TestMissingKeyEndsTheTaskAndNotTheWorkflow(t *testing.T) {
	t.Parallel()
	sealed, err := payload.Converter(codec(t, "ns", keyText("a", 1))).ToPayloads("x")
	require.NoError(t, err)
	without := payload.Converter(codec(t, "ns"))
	var value string
	require.ErrorIs(t, without.FromPayloads(sealed, &value), payload.ErrNoKey, "a client gets an error")
	aware, ok := without.(converter.ContextAware)
	require.True(t, ok)
	require.ErrorIs(t, aware.WithContext(t.Context()).FromPayloads(sealed, &value), payload.ErrNoKey, "so does an activity")
	inWorkflow := aware.WithWorkflowContext(nil)
	require.Panics(t, func() { _ = inWorkflow.FromPayloads(sealed, &value) })
	require.Panics(t, func() { _ = inWorkflow.FromPayload(sealed.GetPayloads()[0], &value) })
	require.Error(t, inWorkflow.FromPayload(of("{"), &value), "what is wrong for all workers is an error")
}

// Whatever is sealed comes back, under whichever of the keys.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	texts := []string{keyText("a", 1), keyText("b", 2), keyText("c", 3)}
	reader := codec(t, "ns", texts...)
	property := func(data, meta []byte, name string, which uint8) bool {
		p := &commonpb.Payload{Metadata: map[string][]byte{strings.ToValidUTF8(name, ""): meta, "encoding": []byte("x")}, Data: data}
		sealed, err := codec(t, "ns", texts[int(which)%len(texts)]).Encode([]*commonpb.Payload{p})
		if err != nil || len(sealed[0].GetData()) < len(data) {
			return false
		}
		opened, err := reader.Decode(sealed)
		return err == nil && proto.Equal(p, opened[0])
	}
	require.NoError(t, quick.Check(property, nil))
}

// Nothing that a server sends makes the codec fall over, or open what was not sealed.
func FuzzDecode(f *testing.F) {
	c := codec(f, "ns", keyText("a", 1))
	sealed, err := c.Encode([]*commonpb.Payload{of("1")})
	require.NoError(f, err)
	f.Add(payload.Encoding, "a", sealed[0].GetData())
	f.Add(payload.Encoding, "b", []byte{})
	f.Add("json/plain", "", []byte("{}"))
	f.Fuzz(func(t *testing.T, encoding, id string, data []byte) {
		p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding), payload.KeyID: []byte(id)}, Data: data}
		opened, err := c.Decode([]*commonpb.Payload{p})
		switch {
		case encoding != payload.Encoding:
			require.NoError(t, err)
			require.Same(t, p, opened[0])
		case err == nil:
			require.True(t, proto.Equal(of("1"), opened[0]), "only what was sealed is opened")
		default:
			require.True(t, errors.Is(err, payload.ErrNoKey) || errors.Is(err, payload.ErrSealed))
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(keyText("a", 1) + "," + keyText("b", 2))
	f.Add("a:b,,:")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := payload.ParseKeys(text)
		if err == nil {
			_, err = payload.NewCodec("ns", keys)
			require.NoError(t, err)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	c := codec(b, "ns", keyText("a", 1))
	for _, size := range []int{256, 4 << 10, 32 << 10} {
		plain := []*commonpb.Payload{of(strings.Repeat("x", size))}
		b.Run(fmt.Sprintf("%d_bytes", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				sealed, err := c.Encode(plain)
				if err == nil {
					_, err = c.Decode(sealed)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
