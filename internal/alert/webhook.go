package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The headers of a webhook, as Standard Webhooks names them.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

const (
	webhookWithin = 10 * time.Second
	leastSecret   = 16
)

// webhook is an address that gets a signed JSON document.
type webhook struct {
	address string
	key     []byte
	client  *http.Client
}

func newWebhook(address, secret string) (*webhook, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("ALERT_WEBHOOK_URL must be an http:// or https:// address")
	}
	key := []byte(secret)
	if coded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return nil, errors.New("ALERT_WEBHOOK_SECRET: what follows whsec_ must be base64")
		}
	}
	if len(key) < leastSecret {
		return nil, fmt.Errorf("ALERT_WEBHOOK_SECRET must have %d characters or more: the receiver checks signatures with it", leastSecret)
	}
	return &webhook{address: address, key: key, client: &http.Client{
		Timeout:       webhookWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (w *webhook) Name() string { return "webhook" }
func (w *webhook) ID() string   { return digest(w.address) }

func (w *webhook) Send(ctx context.Context, id string, m *Message) error {
	body := m.encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address, strings.NewReader(body))
	if err != nil {
		return errors.New("telling the webhook: its address can't be used")
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "cinnamon")
	request.Header.Set(headerID, id)
	request.Header.Set(headerTimestamp, stamp)
	request.Header.Set(headerSignature, Sign(w.key, id, stamp, body))
	answer, err := w.client.Do(request)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // the rest is the address
		}
		return fmt.Errorf("telling the webhook: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("telling the webhook: it answers %s", answer.Status)
	}
	return nil
}

// Sign is the signature of a webhook: of its id, the time in seconds and the body, as Standard Webhooks has it.
func Sign(key []byte, id, timestamp, body string) string {
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(id + "." + timestamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
