package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

// token is the hash of a token: hashes of all tokens take the same time to compare.
type token [sha256.Size]byte

// minToken is the fewest bytes of a token.
const minToken = 16

// SetTokens makes the server answer, from the next request on, only to requests
// that have one of tokens as "Authorization: Bearer TOKEN", but for questions
// whether it is up and ready; none for all requests. On an error nothing changes.
func (s *Server) SetTokens(tokens ...string) error {
	var all []token
	for i, t := range tokens {
		if len(t) < minToken || strings.TrimSpace(t) != t {
			return fmt.Errorf("token %d: got %d bytes, want at least %d, without spaces around them", i+1, len(t), minToken)
		}
		all = append(all, sha256.Sum256([]byte(t)))
	}
	s.tokens.Store(&all)
	return nil
}

// authorized refuses a request without a token, where one is needed.
func (s *Server) authorized(r *http.Request) error {
	all := s.tokens.Load()
	if all == nil || len(*all) == 0 {
		return nil
	}
	scheme, said, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := token(sha256.Sum256([]byte(said)))
	known := 0
	for _, t := range *all {
		known |= subtle.ConstantTimeCompare(t[:], got[:])
	}
	if !strings.EqualFold(scheme, "Bearer") || known != 1 {
		return failure{http.StatusUnauthorized, "a token is needed: send the header Authorization: Bearer TOKEN"}
	}
	return nil
}
