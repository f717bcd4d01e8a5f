package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/dlam-go/dlam/serve"
)

// secrets are files with what must not be told: a command line can be read by all
// who are on the machine.
type secrets struct {
	cert, key string
	tokens    string
	current   *atomic.Pointer[tls.Certificate] // nil for no TLS
}

// tls is the configuration of TLS by the certificate that was read last; nil for
// none.
func (s *secrets) tls() (*tls.Config, error) {
	if (s.cert == "") != (s.key == "") {
		return nil, usagef("--tls-cert and --tls-key: want both or none")
	}
	if s.cert == "" {
		return nil, nil
	}
	current := &atomic.Pointer[tls.Certificate]{}
	s.current = current
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return current.Load(), nil
	}}, nil
}

// read reads the certificate and the tokens, and makes server use them if nothing
// is wrong with either.
func (s *secrets) read(server *serve.Server) error {
	var fresh tls.Certificate
	if s.current != nil {
		var err error
		if fresh, err = tls.LoadX509KeyPair(s.cert, s.key); err != nil {
			return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", s.cert, s.key, err)
		}
	}
	if s.tokens != "" {
		raw, err := os.ReadFile(s.tokens)
		if err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
		tokens := strings.Fields(string(raw))
		if len(tokens) == 0 {
			return fmt.Errorf("--token-file: %s: no token in it", s.tokens)
		}
		if err := server.SetTokens(tokens...); err != nil {
			return fmt.Errorf("--token-file: %s: %w", s.tokens, err)
		}
	}
	if s.current != nil {
		s.current.Store(&fresh)
	}
	return nil
}
