package serve

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what the server does, for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	underWay prometheus.Gauge
	rows     prometheus.Counter
	loads    *prometheus.CounterVec
	rpcs     *prometheus.CounterVec
	batches  prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dlam_requests_total", Help: "Requests answered, by endpoint and HTTP status.",
		}, []string{"endpoint", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dlam_request_duration_seconds", Help: "Time from a request's head to the end of its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint"}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "dlam_requests_in_flight", Help: "Requests under way."}),
		rows:     prometheus.NewCounter(prometheus.CounterOpts{Name: "dlam_predicted_rows_total", Help: "Samples predicted."}),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dlam_model_reloads_total", Help: "Times that the models were replaced, or could not be.",
		}, []string{"result"}),
	}
	m.rpcs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dlam_grpc_calls_total", Help: "Calls over gRPC answered, by endpoint and gRPC's code.",
	}, []string{"endpoint", "code"})
	m.batches = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "dlam_batch_rows", Help: "Rows that were predicted together, where requests are put together.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
	})
	m.registry.MustRegister(m.requests, m.seconds, m.underWay, m.rows, m.loads, m.rpcs, m.batches,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// replaced counts an attempt to replace the models.
func (m *metrics) replaced(err error) {
	result := "done"
	if err != nil {
		result = "failed"
	}
	m.loads.WithLabelValues(result).Inc()
}

// batch counts requests that were put together.
func (m *metrics) batch(rows int) { m.batches.Observe(float64(rows)) }

// endpointMetrics are those of one endpoint.
type endpointMetrics struct {
	requests *prometheus.CounterVec
	rpcs     *prometheus.CounterVec
	seconds  prometheus.Observer
	byCode   sync.Map // of the status to its prometheus.Counter
}

func (m *metrics) endpoint(name string) *endpointMetrics {
	label := prometheus.Labels{"endpoint": name}
	return &endpointMetrics{requests: m.requests.MustCurryWith(label), rpcs: m.rpcs.MustCurryWith(label), seconds: m.seconds.WithLabelValues(name)}
}

// observe counts a request that was answered; rpc is gRPC's code, or "".
func (e *endpointMetrics) observe(code int, rpc string, took time.Duration) {
	if rpc != "" {
		e.rpcs.WithLabelValues(rpc).Inc()
	}
	c, ok := e.byCode.Load(code)
	if !ok {
		c, _ = e.byCode.LoadOrStore(code, e.requests.WithLabelValues(strconv.Itoa(code)))
	}
	c.(prometheus.Counter).Inc()
	e.seconds.Observe(took.Seconds())
}

// page is what Prometheus reads.
func (m *metrics) page() http.Handler { return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}) }
