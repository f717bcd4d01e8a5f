package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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

// exchange is a request's way through the server: it writes the answer, and notes
// what the log, traces and metrics tell of it.
type exchange struct {
	http.ResponseWriter
	code  int    // the answer's status; 0 before it
	model string // NAME@VERSION, once it is known
	rows  int    // samples predicted
	rpc   string // the code of a call over gRPC
}

// WriteHeader notes the status.
func (w *exchange) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Flush is for gRPC, which asks for it.
func (w *exchange) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap is for http.ResponseController.
func (w *exchange) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *exchange) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

// reply answers with v as JSON.
func reply(w http.ResponseWriter, v any) error { return replyStatus(w, http.StatusOK, v) }

func replyStatus(w http.ResponseWriter, code int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // one who has gone needs no answer
	return nil
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	var f failure
	if errors.As(err, &f) {
		code = f.code
	}
	switch code {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusRequestTimeout:
		w.Header().Set("Connection", "close")
	}
	_ = replyStatus(w, code, map[string]string{"error": err.Error()}) // a text can always be written
}
