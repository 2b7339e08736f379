package contracts

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Code names a kind of failure. Codes are part of the interface: clients branch
// on them, so a code never changes its meaning.
type Code string

// The codes that exist, and all that exist.
const (
	CodeUnknownRoute         Code = "unknown_route"
	CodeUnknownTable         Code = "unknown_table"
	CodeUnknownNode          Code = "unknown_node"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeNotAcceptable        Code = "not_acceptable"
	CodeConflict             Code = "conflict"
	CodeBodyTooLarge         Code = "body_too_large"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodeInvalidRequest       Code = "invalid_request"
	CodeQueryTooExpensive    Code = "query_too_expensive"
	CodeTooManyRequests      Code = "too_many_requests"
	CodeCanceled             Code = "canceled"
	CodeUnavailable          Code = "unavailable"
	CodeInternal             Code = "internal"
)

// statuses is the one place where a failure becomes an HTTP status.
// 499 is seen in the log alone: its client has gone.
var statuses = map[Code]struct {
	status int
	title  string
}{
	CodeUnknownRoute:         {http.StatusNotFound, "No such route"},
	CodeUnknownTable:         {http.StatusNotFound, "No such table"},
	CodeUnknownNode:          {http.StatusNotFound, "No such node"},
	CodeMethodNotAllowed:     {http.StatusMethodNotAllowed, "Method not allowed"},
	CodeNotAcceptable:        {http.StatusNotAcceptable, "Format not offered"},
	CodeConflict:             {http.StatusConflict, "Write conflict"},
	CodeBodyTooLarge:         {http.StatusRequestEntityTooLarge, "Body too large"},
	CodeUnsupportedMediaType: {http.StatusUnsupportedMediaType, "Body type not understood"},
	CodeInvalidRequest:       {http.StatusUnprocessableEntity, "Invalid request"},
	CodeQueryTooExpensive:    {http.StatusUnprocessableEntity, "Query too expensive"},
	CodeTooManyRequests:      {http.StatusTooManyRequests, "Too many requests"},
	CodeCanceled:             {499, "Client closed the request"},
	CodeUnavailable:          {http.StatusServiceUnavailable, "ClickHouse unavailable"},
	CodeInternal:             {http.StatusInternalServerError, "Internal error"},
}

// CodeOf returns the code that stands for an HTTP status which another library
// chose, and CodeInternal for one that has none.
func CodeOf(status int) Code {
	switch status {
	case http.StatusNotFound:
		return CodeUnknownRoute
	case http.StatusMethodNotAllowed:
		return CodeMethodNotAllowed
	case http.StatusNotAcceptable:
		return CodeNotAcceptable
	case http.StatusConflict:
		return CodeConflict
	case http.StatusRequestEntityTooLarge:
		return CodeBodyTooLarge
	case http.StatusUnsupportedMediaType:
		return CodeUnsupportedMediaType
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return CodeInvalidRequest
	}
	return CodeInternal
}

// Issue is one thing that is wrong with a request: where, what, and what to do.
type Issue struct {
	Location string `json:"location,omitempty" doc:"Where the fault is, such as query.limit or path.table"`
	Message  string `json:"message" doc:"What is wrong"`
	Value    any    `json:"value,omitempty" doc:"The value as it was received"`
	Hint     string `json:"hint,omitempty" doc:"What to do about it"`
}

// Error is the one error type that crosses a package border on its way to a client.
//
// Detail and Issues are read by the client. Cause is for the log only: it may
// hold SQL, addresses and text of the database, so it never reaches a response.
type Error struct {
	Code       Code
	Detail     string
	Issues     []Issue
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

func (e *Error) Unwrap() error { return e.Cause }

// Status is the HTTP status of the error.
func (e *Error) Status() int {
	if s, ok := statuses[e.Code]; ok {
		return s.status
	}
	return http.StatusInternalServerError
}

// AsError returns err as an *Error. What is not one already is a fault of ours:
// its text becomes the Cause, and the client learns nothing of it.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Detail: "Something went wrong on our side.", Cause: err}
}

// Invalid is a fault of the request, found at location.
func Invalid(location string, value any, hint, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{
		Code:   CodeInvalidRequest,
		Detail: message,
		Issues: []Issue{{Location: location, Message: message, Value: value, Hint: hint}},
	}
}

// Unknown is a name that is not published; near names are suggested.
func Unknown(code Code, location, name string, published []string) *Error {
	kind := map[Code]string{CodeUnknownTable: "table", CodeUnknownNode: "node"}[code]
	hint := fmt.Sprintf("GET /v1/%ss lists what is published.", kind)
	if near := Nearest(name, published); near != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
	}
	message := fmt.Sprintf("There is no %s %q.", kind, name)
	return &Error{
		Code:   code,
		Detail: message,
		Issues: []Issue{{Location: location, Message: message, Value: name, Hint: hint}},
	}
}

// Problem is the error document that a client receives (RFC 9457).
type Problem struct {
	Type      string  `json:"type" doc:"Identifies the kind of problem" example:"urn:framehouse:problem:invalid_request"`
	Title     string  `json:"title" doc:"The kind of problem in words" example:"Invalid request"`
	Status    int     `json:"status" doc:"The HTTP status" example:"422"`
	Detail    string  `json:"detail" doc:"What went wrong this time" example:"from is later than to."`
	Code      Code    `json:"code" doc:"Stable code to branch on" example:"invalid_request"`
	Errors    []Issue `json:"errors,omitempty" doc:"Each fault with its place and what to do"`
	RequestID string  `json:"requestId,omitempty" doc:"Quote this when you ask for help"`
}

// Problem is what the client may know of the error.
func (e *Error) Problem(requestID string) Problem {
	return Problem{
		Type:      "urn:framehouse:problem:" + string(e.Code),
		Title:     statuses[e.Code].title,
		Status:    e.Status(),
		Detail:    e.Detail,
		Code:      e.Code,
		Errors:    e.Issues,
		RequestID: requestID,
	}
}
