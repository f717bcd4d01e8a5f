package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/dlam-go/dlam/internal/web"
)

// room is what requests share: memory, and predictions under way. Both are
// divided between clients by their addresses, so that none of them can take what
// the others need.
type room struct {
	bytes *web.Share
	slots *web.Share
}

func newRoom(set Settings) *room {
	return &room{bytes: web.NewShare(set.MaxMemory), slots: web.NewShare(int64(set.MaxRequests))}
}

// busy reports whether little is left of either.
func (r *room) busy() bool {
	const most = 0.9
	return r.bytes.Used() > most || r.slots.Used() > most
}

// grant is what a request has of the room.
type grant struct {
	room   *room
	client netip.Addr
	bytes  int64
	slots  int64
	until  time.Time     // when its work ends at the latest
	turn   chan struct{} // holds its place among the large requests; nil for none
}

// memory adds n bytes to what the request has.
func (g *grant) memory(n int64) error {
	if n > 0 && !g.room.bytes.Take(g.client, n) {
		return failure{http.StatusServiceUnavailable, "the requests under way take all the memory that they may: come again, or with fewer rows"}
	}
	g.bytes += n
	return nil
}

// free gives n bytes back.
func (g *grant) free(n int64) {
	g.room.bytes.Give(g.client, n)
	g.bytes -= n
}

// samples is room for n numbers in buf, whose own is granted already.
func (g *grant) samples(buf *buffer, n int) ([]float32, error) {
	if more := n - cap(buf.x); more > 0 {
		if err := g.memory(4 * int64(more)); err != nil {
			return nil, err
		}
	}
	return buf.samples(n), nil
}

// slot takes a place among the predictions under way.
func (g *grant) slot(most int) error {
	if !g.room.slots.Take(g.client, 1) {
		return failure{http.StatusServiceUnavailable, fmt.Sprintf("too many predictions are under way: there are %d places, of which a client may have as many as are free", most)}
	}
	g.slots++
	return nil
}

// leave gives back the place, and then that among the large ones: the next of them finds
// the place free.
func (g *grant) leave() {
	g.vacate()
	if g.turn != nil {
		<-g.turn
		g.turn = nil
	}
}

// vacate gives back the place among the predictions under way.
func (g *grant) vacate() {
	if g.slots > 0 {
		g.room.slots.Give(g.client, g.slots)
		g.slots = 0
	}
}

// end gives everything back.
func (g *grant) end() {
	g.leave()
	if g.bytes > 0 {
		g.free(g.bytes)
	}
}

// buffer is memory that is used again: a request's body and samples, or its answer.
type buffer struct {
	b []byte
	x []float32
}

// size is the bytes that it takes.
func (b *buffer) size() int64 { return int64(cap(b.b)) + 4*int64(cap(b.x)) }

// samples is room for n numbers, none of which is there yet.
func (b *buffer) samples(n int) []float32 {
	if cap(b.x) < n {
		b.x = make([]float32, 0, n)
	}
	return b.x[:0]
}

const (
	firstRead = 4 << 10  // bytes that are made room for before any have come
	trusted   = 64 << 10 // bytes that are made room for because a request says that they will come
	keep      = large    // the most bytes of a buffer that any request may get, whose memory it takes; others are for large requests
)

// read reads a request's body to its end. Memory is taken as it comes, and not
// for what the head promises. A body that comes more slowly than minRate allows
// is given up.
func (s *Server) read(w http.ResponseWriter, r *http.Request, g *grant) (*buffer, error) {
	if r.ContentLength > s.set.MaxBody {
		return nil, s.largeBody()
	}
	buf, ok := s.buffers.Get().(*buffer)
	if !ok {
		buf = &buffer{}
	}
	if n := int(min(max(r.ContentLength+1, firstRead), trusted)); cap(buf.b) < n {
		buf.b = make([]byte, 0, n)
	}
	buf.b = buf.b[:0]
	if err := g.memory(buf.size()); err != nil {
		return buf, err
	}
	control := http.NewResponseController(w)
	began, paced := time.Now(), 0
	pace := func() { // an error: the connection has no deadlines, and none is needed
		_ = control.SetReadDeadline(s.deadline(began, len(buf.b)))
		paced = len(buf.b)
	}
	pace()
	for {
		n, err := r.Body.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if err == io.EOF {
			// Or it would pass for the client's going while the answer is made.
			_ = control.SetReadDeadline(time.Time{})
			return buf, nil
		}
		if err != nil {
			return buf, s.unread(err)
		}
		if int64(len(buf.b)) > s.set.MaxBody {
			return buf, s.largeBody()
		}
		if len(buf.b) == cap(buf.b) {
			if err := s.grow(buf, g); err != nil {
				return buf, err
			}
		}
		if len(buf.b)-paced > s.set.MinRate {
			pace()
		}
	}
}

// grow makes room for more of a body: what it takes is granted.
func (s *Server) grow(buf *buffer, g *grant) error {
	size := int(min(4*int64(cap(buf.b)), s.set.MaxBody+1))
	more := &buffer{}
	if size > keep {
		if used, ok := s.bulk.Get().(*buffer); ok && used.size() <= 8*int64(size) {
			more = used
		}
	}
	if cap(more.b) < size {
		more.b = make([]byte, 0, size)
	}
	if err := g.memory(more.size()); err != nil {
		return err
	}
	more.b = append(more.b[:0], buf.b...)
	*buf, *more = *more, *buf
	g.free(more.size())
	s.done(more)
	return nil
}

// deadline is when more of a body must have come, of which n bytes have.
func (s *Server) deadline(began time.Time, n int) time.Time {
	return began.Add(min(s.set.Grace+time.Duration(n)*time.Second/time.Duration(s.set.MinRate), s.set.ReadTimeout))
}

// done takes back a buffer; nil is none.
func (s *Server) done(buf *buffer) {
	switch {
	case buf == nil:
	case buf.size() <= keep:
		s.buffers.Put(buf)
	default:
		s.bulk.Put(buf)
	}
}

func (s *Server) largeBody() error {
	return failure{tooLarge, fmt.Sprintf("the request has more than %d bytes", s.set.MaxBody)}
}

// unread is what reading a request's body failed of.
func (s *Server) unread(err error) error {
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return failure{http.StatusRequestTimeout, fmt.Sprintf("the request took too long to arrive: after %v it must have come at %d bytes a second, and all of it after %v", s.set.Grace, s.set.MinRate, s.set.ReadTimeout)}
	}
	return badRequest("reading the request: %s", short(err.Error()))
}
