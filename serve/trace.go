package serve

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// span is a request in a trace; nothing if there are no traces.
type span struct{ trace.Span }

// trace begins a span of the trace that a request belongs to, or of a new one.
func (s *Server) trace(r *http.Request, pattern string) (*http.Request, span) {
	if s.set.Tracer == nil {
		return r, span{}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, began := s.set.Tracer.Start(ctx, r.Method+" "+pattern, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", short(r.Method)), attribute.String("http.route", pattern),
		attribute.String("url.path", short(r.URL.Path)), attribute.String("client.address", short(r.RemoteAddr))))
	return r.WithContext(ctx), span{began}
}

// end ends the span of a request that was answered.
func (p span) end(x *exchange) {
	if p.Span == nil {
		return
	}
	p.SetAttributes(attribute.Int("http.response.status_code", x.status()))
	if x.model != "" {
		p.SetAttributes(attribute.String("dlam.model", x.model), attribute.Int("dlam.rows", x.rows))
	}
	if x.rpc != "" {
		p.SetAttributes(attribute.String("rpc.response.status_code", x.rpc))
	}
	if x.status() >= http.StatusInternalServerError {
		p.SetStatus(codes.Error, http.StatusText(x.status()))
	}
	p.End()
}

// part begins a span of a part of a request; end ends it.
func (s *Server) part(ctx context.Context, name string) (_ context.Context, end func()) {
	if s.set.Tracer == nil {
		return ctx, func() {}
	}
	ctx, began := s.set.Tracer.Start(ctx, name)
	return ctx, func() { began.End() }
}

// log writes a line about a request that was answered.
func (s *Server) log(x *exchange, r *http.Request, endpoint string, took time.Duration) {
	if s.set.Log == nil {
		return
	}
	level := slog.LevelInfo
	if x.status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	line := []slog.Attr{
		slog.String("endpoint", endpoint), slog.String("method", short(r.Method)), slog.String("path", short(r.URL.Path)),
		slog.Int("status", x.status()), slog.Float64("seconds", took.Seconds()), slog.String("client", short(r.RemoteAddr)),
	}
	if x.model != "" {
		line = append(line, slog.String("model", x.model), slog.Int("rows", x.rows))
	}
	if x.rpc != "" {
		line = append(line, slog.String("grpc", x.rpc))
	}
	if at := trace.SpanContextFromContext(r.Context()); at.HasTraceID() {
		line = append(line, slog.String("trace", at.TraceID().String()))
	}
	s.set.Log.LogAttrs(r.Context(), level, "request", line...)
}
