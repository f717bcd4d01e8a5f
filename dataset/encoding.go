package dataset

import (
	"bufio"
	"bytes"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// encodings are how texts may be encoded, beside UTF-8, by the names that users say.
var encodings = map[string]encoding.Encoding{
	"latin-1":      charmap.ISO8859_1,
	"latin-9":      charmap.ISO8859_15,
	"windows-1252": charmap.Windows1252,
	"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// Encodings are the encodings of text that Options.Encoding may name.
func Encodings() []string {
	return append([]string{"utf-8"}, slices.Sorted(maps.Keys(encodings))...)
}

// decoded is the content of s as UTF-8.
func decoded(path string, s *stream, name string) (*stream, error) {
	if name == "" || name == "utf-8" {
		head, _ := s.Peek(2)
		if string(head) == "\xff\xfe" || string(head) == "\xfe\xff" {
			return nil, inputf("%s: the text is UTF-16: say so (--encoding utf-16)", path)
		}
		return s, nil
	}
	e, ok := encodings[name]
	if !ok {
		return nil, inputf("encoding: got %q, want one of %s", name, strings.Join(Encodings(), ", "))
	}
	return &stream{Reader: bufio.NewReaderSize(transform.NewReader(s.Reader, e.NewDecoder()), 1<<16), size: -1}, nil
}

// skipBOM passes over the mark that some programs write in front of UTF-8, and
// gives its length.
func skipBOM(r *bufio.Reader) int64 {
	bom := []byte("\xef\xbb\xbf")
	head, _ := r.Peek(len(bom))
	if !bytes.Equal(head, bom) {
		return 0
	}
	n, _ := r.Discard(len(bom)) // it is in the buffer
	return int64(n)
}
