package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// failure is an error that a request gets to see.
type failure struct {
	code int // HTTP's
	text string
}

func (f failure) Error() string { return f.text }

const tooLarge = http.StatusRequestEntityTooLarge

func badRequest(format string, args ...any) error {
	return failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// unread is what reading a request's body failed of.
func unread(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return failure{tooLarge, fmt.Sprintf("the request has more than %d bytes", large.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failure{http.StatusRequestTimeout, "the request took too long to arrive"}
	}
	return badRequest("reading the request: %v", err)
}

// plain is an answer in text.
type plain string

// reply writes an answer, or an error.
func reply(w http.ResponseWriter, v any, err error) {
	if text, ok := v.(plain); ok && err == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, string(text)) // one who has gone needs no answer
		return
	}
	code := http.StatusOK
	if err != nil {
		code = http.StatusInternalServerError
		var f failure
		if errors.As(err, &f) {
			code = f.code
		}
		switch code {
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		case http.StatusRequestTimeout:
			w.Header().Set("Connection", "close")
		}
		v = map[string]string{"error": err.Error()}
	}
	body, err := json.Marshal(v)
	if err != nil {
		code, body = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
