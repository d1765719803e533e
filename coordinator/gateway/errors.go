package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// The types of errors of the Messages API that the gateway uses.
const (
	errInvalid   = "invalid_request_error"
	errAuth      = "authentication_error"
	errForbidden = "permission_error"
	errNotFound  = "not_found_error"
	errTooLarge  = "request_too_large"
	errRate      = "rate_limit_error"
	errAPI       = "api_error"
)

// WriteError answers in the API's error form. retry false adds the header that keeps
// clients from asking again; true leaves the decision to them.
func WriteError(w http.ResponseWriter, status int, kind, message string, retry bool) {
	body := errorBody(kind, message)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if !retry {
		h.Set("X-Should-Retry", "false")
	}
	w.WriteHeader(status)
	w.Write(body) // the client may have gone; there is nobody to tell
}

func errorBody(kind, message string) []byte {
	var e struct {
		Type  string `json:"type"`
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	e.Type, e.Error.Type, e.Error.Message = "error", kind, message
	body, err := json.Marshal(e)
	if err != nil {
		panic("gateway: " + err.Error()) // three strings always encode
	}
	return body
}
