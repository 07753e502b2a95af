package redisserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS are the files, in PEM, of a server that speaks TLS.
type TLS struct {
	CA, Certificate, Key string
	// Name is one that the certificate is for.
	Name string
	// AskClients has clients show a certificate of the same authority.
	AskClients bool
}

func (t *TLS) configuration() []string {
	ask := "no"
	if t.AskClients {
		ask = "yes"
	}
	return []string{
		fmt.Sprintf("tls-ca-cert-file %q", t.CA),
		fmt.Sprintf("tls-cert-file %q", t.Certificate),
		fmt.Sprintf("tls-key-file %q", t.Key),
		"tls-auth-clients " + ask,
	}
}

// client is what our own connections need. They show the server's certificate, which is of the right authority.
func (t *TLS) client() (*tls.Config, error) {
	pem, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	own, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool(), ServerName: t.Name, Certificates: []tls.Certificate{own}}
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("reading the authority's certificate: there is none in the file")
	}
	return c, nil
}
