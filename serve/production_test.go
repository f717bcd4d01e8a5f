package serve_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dlam-go/dlam/serve"
	"github.com/dlam-go/dlam/serve/oip"
)

const secret = "a-token-of-some-length"

// TestTokens holds that nothing but health is told without a token, and that
// tokens can be changed.
func TestTokens(t *testing.T) {
	s := newServer(t, sample(t, true), nil)
	for _, bad := range []string{"", "short", " " + secret, secret + "\n"} {
		if err := s.SetTokens(bad); err == nil {
			t.Errorf("token %q was taken", bad)
		}
	}
	if err := s.SetTokens("another-one-of-some-length", secret); err != nil {
		t.Fatal(err)
	}
	paths := map[string]int{"/v2": 401, "/v2/models/m": 401, "/v2/models/m/ready": 401, "/metrics": 401, "/nothing": 401, "/v2/health/live": 200, "/v2/health/ready": 200, "/healthz": 200}
	for path, code := range paths {
		for _, said := range []string{"", "Bearer", "Bearer ", "Bearer wrong-token-of-length", "Basic " + secret, secret, "Bearer " + secret[:21]} {
			w := ask(s, "GET", path, "", "Authorization", said)
			if w.Code != code || code == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %q: got %d, %v, want %d", path, said, w.Code, w.Header(), code)
			}
		}
	}
	for _, said := range []string{"Bearer " + secret, "bearer " + secret, "Bearer another-one-of-some-length"} {
		if w := ask(s, "POST", inferPath, goodBody, "Authorization", said); w.Code != http.StatusOK {
			t.Errorf("with a token: got %d, %s", w.Code, w.Body)
		}
	}
	wantError(t, "without", ask(s, "POST", inferPath, goodBody), http.StatusUnauthorized, "a token is needed")
	if err := s.SetTokens("a-new-token-of-some-length"); err != nil {
		t.Fatal(err)
	}
	wantError(t, "an old one", ask(s, "POST", inferPath, goodBody, "Authorization", "Bearer "+secret), http.StatusUnauthorized, "a token is needed")
}

// certificate is one for localhost, and who trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(crand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// TestTLS holds that REST and gRPC are spoken with TLS, and not without.
func TestTLS(t *testing.T) {
	config, pool := certificate(t)
	address, end := running(t, func(s *serve.Settings) { s.TLS = config })
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2}
		r, err := (&http.Client{Transport: transport}).Post("https://"+address+inferPath, "application/json", strings.NewReader(goodBody))
		if err != nil || r.StatusCode != http.StatusOK || (r.ProtoMajor == 2) != h2 {
			t.Fatalf("HTTP/2 %v: got %v, %v", h2, r, err)
		}
		_ = r.Body.Close()
		transport.CloseIdleConnections()
	}
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool})))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oip.NewGRPCInferenceServiceClient(c).ModelInfer(t.Context(), call("FP32", &oip.InferTensorContents{Fp32Contents: []float32{1, 2, 3}})); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	plain, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post("http://"+address+inferPath, "application/json", strings.NewReader(goodBody))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(plain.Body); err != nil || plain.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), "HTTPS") {
		t.Errorf("without TLS: got %d, %s, %v", plain.StatusCode, b, err)
	}
	_ = plain.Body.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestGRPCTokens holds that a call needs a token too, and health does not.
func TestGRPCTokens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, sample(t, true), nil)
	if err := s.SetTokens(secret); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l, nil) }()
	conn := dialGRPC(t, l.Addr().String())
	c := oip.NewGRPCInferenceServiceClient(conn)
	q := call("FP32", &oip.InferTensorContents{Fp32Contents: []float32{1, 2, 3}})
	if _, err := c.ModelInfer(t.Context(), q); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: got %v", err)
	}
	if _, err := c.ModelInfer(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+secret), q); err != nil {
		t.Error(err)
	}
	_ = conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestLog holds that each request is a line of the log, which tells no more of it
// than is bounded.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.Log = slog.New(slog.NewJSONHandler(&out, nil)) })
	ask(s, "POST", inferPath, goodBody)
	ask(s, "GET", "/"+strings.Repeat("x", 5000), "")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || len(lines[1]) > 1000 {
		t.Fatalf("got %d lines, %s", len(lines), out.String())
	}
	var got struct {
		Msg, Level, Endpoint, Method, Path, Client, Model string
		Status, Rows                                      int
		Seconds                                           float64
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.Msg != "request" || got.Endpoint != "infer" || got.Method != http.MethodPost || got.Path != inferPath || got.Status != 200 || got.Rows != 1 || got.Model != "m@1" || got.Client == "" {
		t.Errorf("got %s, %v", lines[0], err)
	}
	if !strings.Contains(lines[1], `"status":404`) {
		t.Errorf("got %s", lines[1])
	}
}

// TestTraces holds that a request is a span of the trace that it says it belongs
// to, with the prediction as a part.
func TestTraces(t *testing.T) {
	kept := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(kept))
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.Tracer = provider.Tracer("test") })
	const id = "0af7651916cd43dd8448eb211c80319c"
	ask(s, "POST", inferPath, goodBody, "Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	spans := kept.GetSpans()
	if len(spans) != 2 || spans[0].Name != "predict" || spans[1].Name != "POST /v2/models/{name}/infer" || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() ||
		spans[1].SpanContext.TraceID().String() != id || spans[1].Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("got %+v", spans)
	}
	if text := fmt.Sprint(spans[1].Attributes); !strings.Contains(text, "http.response.status_code") || !strings.Contains(text, "m@1") {
		t.Errorf("attributes: %s", text)
	}
}

// TestBatches holds that requests which are put together get what they would get
// alone, and that those whose clients go or are wrong harm no one.
func TestBatches(t *testing.T) {
	m := sample(t, true)
	s := newServer(t, m, func(s *serve.Settings) { s.BatchDelay, s.BatchRows = 20*time.Millisecond, 8 })
	alone := newServer(t, m, nil)
	var wg sync.WaitGroup
	for g := range 30 {
		wg.Go(func() {
			rows := 1 + g%9 // 9 is more than goes together
			data := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%d,2,-3,", g), rows), ",")
			body := tensor("FP32", fmt.Sprintf("[%d,3]", rows), "["+data+"]")
			if g == 7 {
				body = tensor("FP32", "[1,3]", "[3e38,-3e38,3e38]")
			}
			if g == 8 {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+inferPath, strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				s.ServeHTTP(discard{}, r)
				return
			}
			got, want := ask(s, "POST", inferPath, body), ask(alone, "POST", inferPath, body)
			if got.Code != want.Code || got.Body.String() != want.Body.String() {
				t.Errorf("request %d: got %d, %s; alone %d, %s", g, got.Code, got.Body, want.Code, want.Body)
			}
		})
	}
	wg.Wait()
	page := ask(s, "GET", "/metrics", "").Body.String()
	if !strings.Contains(page, "dlam_batch_rows_bucket{le=\"8\"} ") || strings.Contains(page, "dlam_batch_rows_count 0\n") {
		t.Error("batches are not counted")
	}
	full := newServer(t, m, func(s *serve.Settings) { s.BatchDelay, s.BatchRows, s.WriteTimeout = time.Hour, 2, 2*time.Hour })
	for range 2 { // the second fills the batch: neither waits an hour
		wg.Go(func() {
			if w := ask(full, "POST", inferPath, goodBody); w.Code != http.StatusOK {
				t.Errorf("got %d, %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
}

// discard is a writer for a client that has gone.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
