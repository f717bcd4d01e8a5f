package main

import (
	"context"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracing sends traces where they are collected; it is nothing if nowhere.
type tracing struct {
	tracer   trace.Tracer
	provider *sdk.TracerProvider
}

func newTracing(ctx context.Context, o serveOptions, version string) (tracing, error) {
	if !(o.sampled >= 0 && o.sampled <= 1) {
		return tracing{}, usagef("--trace-share: got %g, want 0 to 1", o.sampled)
	}
	if o.traces == "" {
		return tracing{}, nil
	}
	if u, err := url.Parse(o.traces); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return tracing{}, usagef("--otlp-endpoint: got %q, want an address as http://localhost:4318", o.traces)
	}
	to, err := url.JoinPath(o.traces, "v1/traces")
	if err != nil {
		return tracing{}, usagef("--otlp-endpoint: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to))
	if err != nil {
		return tracing{}, err
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.sampled))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "dlam"), attribute.String("service.version", version))))
	return tracing{p.Tracer("dlam"), p}, nil
}

// end sends the traces that wait, and says if they could not be sent.
func (t tracing) end() error {
	if t.provider == nil {
		return nil
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return t.provider.Shutdown(ctx)
}
