package pwgo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/egress"
)

const (
	// nowhere is the proxy of what a browser does outside of any session: port
	// 1, on which nobody but root can listen.
	nowhere = "http://127.0.0.1:1"
	// evenLoopback makes Chromium ask the proxy about its own machine, too.
	evenLoopback = "<-loopback>"
)

// confine closes the ways out of a browser that lead past its proxy.
func confine(o *playwright.BrowserTypeLaunchOptions) {
	o.Proxy = &playwright.Proxy{Server: nowhere, Bypass: new(evenLoopback)}
	o.Args = append(o.Args,
		// HTTP/3 is UDP, which no HTTP proxy carries. WebRTC may use UDP through a proxy only, so not at all.
		"--disable-quic", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--webrtc-ip-handling-policy=disable_non_proxied_udp",
		// The proxy looks names up. A browser that does tells name servers what a page says.
		"--dns-prefetch-disable", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
	)
}

// guardEgress gives the session a proxy of its own, which knows what this
// session was refused.
func (s *session) guardEgress(ctx context.Context, o *playwright.BrowserNewContextOptions) error {
	guard := s.pool.cfg.Egress
	if guard == nil {
		return nil
	}
	var err error
	if s.proxy, err = guard.Open(ctx); err != nil {
		return err
	}
	s.proxy.Conceal(s.redactor.Redact)
	o.Proxy = &playwright.Proxy{Server: s.proxy.URL(), Bypass: new(evenLoopback)}
	return nil
}

func (s *session) endEgress() {
	if s.proxy != nil {
		s.proxy.Close()
	}
}

// isWeb reports whether an address is one that tests may open.
func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || address == "about:blank")
}

// notOpened makes the error of a page that did not load. Behind a proxy,
// Chromium only knows that there was no connection; the proxy knows why.
func (r *run) notOpened(err error, what string) error {
	failures := r.egressFailures()
	if len(failures) == 0 || !isProxyError(err) {
		return failure(browser.Navigation, err, "%s: %s", what, netReason(err))
	}
	return byProxy(failures[len(failures)-1], err, what)
}

// byProxy makes the error of what the proxy did not bring to a site.
func byProxy(f egress.Failure, err error, what string) error {
	if refusal := f.Refusal(); refusal != nil {
		return failure(browser.Refused, errors.Join(f.Err, err), "%s: %s", what, refusal)
	}
	reason := netWords(f.Code())
	if f.Code() == "ERR_FAILED" {
		reason = clip(f.Err.Error())
	}
	return failure(browser.Navigation, errors.Join(f.Err, err), "%s: %s", what, reason)
}

// isProxyError reports whether Chromium says that the proxy did not bring it
// to a site.
func isProxyError(err error) bool {
	code := strings.TrimPrefix(netError.FindString(err.Error()), "net::")
	return slices.Contains([]string{"ERR_TUNNEL_CONNECTION_FAILED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_RESET"}, code)
}

// egressFailures lists what this step did not reach.
func (r *run) egressFailures() []egress.Failure {
	if r.session.proxy == nil {
		return nil
	}
	return r.session.proxy.Failures(r.started)
}

// blameEgress adds to the error of a step what the guard refused to its page,
// which may lack what the step waited for because of that.
func (s *session) blameEgress(err error) error {
	e, ok := errors.AsType[*browser.Error](err)
	if !ok || s.proxy == nil || e.Kind == browser.Refused || e.Kind == browser.Closed {
		return err
	}
	const most = 3
	var places []string
	for _, f := range s.proxy.Failures(s.pageSince) {
		if refusal := f.Refusal(); refusal != nil {
			places = append(places, fmt.Sprintf("%s (%s)", refusal.Place(), refusal.Why))
		}
	}
	if len(places) == 0 {
		return err
	}
	if len(places) > most {
		places = append(places[:most], fmt.Sprintf("%d more", len(places)-most))
	}
	return failure(e.Kind, e.Cause, "%s. The egress guard refused the page %s: EGRESS_ALLOW on the workers opens what tests may reach",
		e.Message, strings.Join(places, ", "))
}
