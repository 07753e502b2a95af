package codecserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/cinnamon-qa/cinnamon/payload"
)

// mostBody bounds a request, in bytes: twice what one answer of a Temporal server holds.
const mostBody = 8 << 20

// Options of the endpoint.
type Options struct {
	Codec *payload.Codec
	// Origin is that of the Web UI, whose pages may ask: scheme, host and port.
	Origin string
	// Token is what every request must present: as the first element of its path, or as a bearer token. Without one, requests
	// must be addressed to a loopback name.
	Token string
	// Encode also lets clients seal payloads.
	Encode bool
}

// Handler serves POST /decode, POST /encode if that is allowed, and GET /healthz.
func Handler(o Options) http.Handler {
	h := &handler{o}
	inner := http.NewServeMux()
	inner.HandleFunc("POST /decode", h.run(o.Codec.Decode))
	if o.Encode {
		inner.HandleFunc("POST /encode", h.run(o.Codec.Encode))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path == "/healthz" && r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "ok\n")
			return
		}
		if !h.fromUI(w, r) {
			http.Error(w, "only pages of the Temporal Web UI may ask: TEMPORAL_UI_URL says where it is", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodOptions {
			h.preflight(w, r)
			return
		}
		path, ok := h.admit(r)
		if !ok {
			refuse(w, o.Token != "")
			return
		}
		within := r.Clone(r.Context())
		within.URL.Path = path
		inner.ServeHTTP(w, within)
	})
}

type handler struct{ Options }

// fromUI reports whether the page that asks, if it is a page, is one of the Web UI, and lets its browser know.
func (h *handler) fromUI(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // no page of another site: browsers say so
	}
	if h.Origin == "" || !strings.EqualFold(origin, h.Origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	return true
}

func (h *handler) preflight(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Methods", "POST")
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
	w.Header().Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
}

// admit reports whether a request may be answered, and returns its path without the token.
func (h *handler) admit(r *http.Request) (path string, ok bool) {
	if h.Token == "" {
		// A page whose name was made to lead here says its own name: it must not pass for the Web UI's.
		return r.URL.Path, isLoopback(r.Host)
	}
	if bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found && same(bearer, h.Token) {
		return r.URL.Path, true
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return "/" + rest, same(first, h.Token)
}

func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// isLoopback reports whether a host, with or without a port, is this machine by a name that nobody else can give it.
func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.Trim(hostPort, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func refuse(w http.ResponseWriter, token bool) {
	if token {
		http.Error(w, "the token is missing or wrong: it is the first element of the address, https://host/TOKEN/decode, or a bearer token",
			http.StatusUnauthorized)
		return
	}
	http.Error(w, "ask by the name localhost or a loopback address, or set CODEC_TOKEN", http.StatusForbidden)
}

// run answers with what a codec makes of the payloads in a request.
func (h *handler) run(do func([]*commonpb.Payload) ([]*commonpb.Payload, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		var asked commonpb.Payloads
		if err == nil {
			err = protojson.Unmarshal(body, &asked)
		}
		if err != nil {
			http.Error(w, `the request must be {"payloads": […]}`, http.StatusBadRequest)
			return
		}
		done, err := do(asked.GetPayloads())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := protojson.Marshal(&commonpb.Payloads{Payloads: done})
		if err != nil {
			http.Error(w, "the answer can't be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}
}
