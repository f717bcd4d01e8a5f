package web

import (
	"fmt"
	"net/http"
	"net/url"
)

// SameOrigin reports a request that a page of another site caused, by what browsers
// say of it. Unlike http.CrossOriginProtection it refuses GET too: what is asked is
// work, and what is answered may be private.
func SameOrigin(r *http.Request) error {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none": // none: typed by the user
	default:
		return fmt.Errorf("a page of another site asked (Sec-Fetch-Site: %.20q): open the address itself", site)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return fmt.Errorf("a page of another site asked (Origin: %.40q): open the address itself", origin)
		}
	}
	return nil
}
