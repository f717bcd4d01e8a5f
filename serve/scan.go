package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// scanner reads one JSON text, once, from the front. It is stricter than
// encoding/json: member names match exactly, are known and come once each, text
// is valid UTF-8, and integers are held in full. Every error says which value is
// wrong, and repeats little of it.
type scanner struct {
	text []byte
	at   int
	room []float32 // for the elements of a tensor
}

// echo is the most bytes of a value that an error repeats.
const echo = 40

// short is text as an error may repeat it.
func short(text string) string {
	if len(text) <= echo {
		return text
	}
	return strings.ToValidUTF8(text[:echo], "") + "…"
}

// peek is the next byte that is no space; 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// kind says what the next value is, for errors.
func (s *scanner) kind() string {
	c := s.peek()
	switch {
	case s.at >= len(s.text):
		return "the end of the request"
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a string"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	}
	for _, word := range []string{"true", "false", "null"} {
		if s.word(word) {
			return word
		}
	}
	r, _ := utf8.DecodeRune(s.text[s.at:])
	return fmt.Sprintf("the character %q", r)
}

// word reports whether the next bytes are those of word.
func (s *scanner) word(word string) bool {
	return len(s.text)-s.at >= len(word) && string(s.text[s.at:s.at+len(word)]) == word
}

// want is the error that name's value is no want.
func (s *scanner) want(name, want string) error {
	return badRequest("%s: got %s, want %s", name, s.kind(), want)
}

// take passes the next byte if it is c.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// end reports what follows the text's value.
func (s *scanner) end() error {
	if s.peek(); s.at < len(s.text) {
		return badRequest("request: %s after its end", s.kind())
	}
	return nil
}

// object reads an object called name: member reads the value of each of its
// members.
func (s *scanner) object(name string, member func(key string) error) error {
	if !s.take('{') {
		return s.want(name, "an object")
	}
	var seen [maxMembers]string
	for n := 0; ; n++ {
		if s.take('}') {
			if n > 0 {
				return badRequest("%s: a comma before }", name)
			}
			return nil
		}
		if n == maxMembers {
			return badRequest("%s: more than %d members", name, maxMembers)
		}
		if s.peek() != '"' {
			return s.want(name, "the name of a member, or }")
		}
		key, err := s.str(name)
		if err != nil {
			return err
		}
		for _, before := range seen[:n] {
			if before == key {
				return badRequest("%s: %q comes twice", name, short(key))
			}
		}
		seen[n] = key
		if !s.take(':') {
			return s.want(name+": "+short(key), "a colon")
		}
		if err := member(key); err != nil {
			return err
		}
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return nil
		}
		return s.want(name, "a comma or } after "+short(key))
	}
}

// maxMembers bounds an object: those of the protocol have five.
const maxMembers = 32

// unknown is the error of a member that the protocol does not have.
func unknown(name, key string, known string) error {
	return badRequest("%s: unknown member %q, want %s", name, short(key), known)
}

// list reads a list called name of at most limit elements: element reads each.
func (s *scanner) list(name string, limit int, element func(i int) error) error {
	if !s.take('[') {
		return s.want(name, "a list")
	}
	if s.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		if i == limit {
			return badRequest("%s: more than %d elements", name, limit)
		}
		if err := element(i); err != nil {
			return err
		}
		if s.take(',') {
			continue
		}
		if s.take(']') {
			return nil
		}
		return s.want(name, "a comma or ]")
	}
}

// maxText bounds a string that is not an element of a tensor, in bytes.
const maxText = 64 << 10

// str reads a string called name, of at most maxText bytes.
func (s *scanner) str(name string) (string, error) { return s.strWithin(name, maxText) }

// strWithin reads a string called name, of at most limit bytes.
func (s *scanner) strWithin(name string, limit int) (string, error) {
	if s.peek() != '"' {
		return "", s.want(name, "a string")
	}
	start, escaped := s.at, false
	for i := s.at + 1; i < len(s.text); i++ {
		if i-start > limit+1 {
			return "", badRequest("%s: a string of more than %d bytes", name, limit)
		}
		switch c := s.text[i]; {
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return "", badRequest("%s: a control character in a string", name)
		case c == '"':
			s.at = i + 1
			return unquote(name, s.text[start:s.at], escaped)
		}
	}
	return "", badRequest("%s: a string without an end", name)
}

func unquote(name string, quoted []byte, escaped bool) (string, error) {
	if !utf8.Valid(quoted) {
		return "", badRequest("%s: a string that is not UTF-8", name)
	}
	if !escaped {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "", badRequest("%s: a string with an escape that JSON does not have", name)
	}
	if strings.ContainsRune(text, utf8.RuneError) && strings.Contains(strings.ToLower(string(quoted)), `\ud`) {
		return "", badRequest("%s: a string with half a surrogate pair", name)
	}
	return text, nil
}

// integer reads an integer called name.
func (s *scanner) integer(name string) (int64, error) {
	const want = "an integer of 64 bits"
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, s.want(name, want)
	}
	n, end, fault := scanNumber(s.text, s.at)
	limit := uint64(math.MaxInt64)
	if n.negative {
		limit++
	}
	if fault == "" && (!n.whole || n.long || n.mantissa > limit) {
		fault = "want " + want
	}
	if fault != "" {
		return 0, badRequest("%s: got %s, %s", name, short(word(s.text[s.at:])), fault)
	}
	s.at = end
	if n.negative {
		return -int64(n.mantissa), nil
	}
	return int64(n.mantissa), nil
}

// word is the front of text, as far as a number may go.
func word(text []byte) string {
	for i, c := range text {
		if c <= ' ' || c == ',' || c == ']' || c == '}' || c == '[' || c == '{' || i > echo {
			return string(text[:i])
		}
	}
	return string(text)
}

// parameter reads the value of a parameter, which is a string, a number, true or
// false: a truth value and an integer are told, others are not looked at.
func (s *scanner) parameter(name string) (p parameter, err error) {
	switch c := s.peek(); {
	case c == '"':
		_, err = s.str(name)
	case s.word("true"), s.word("false"):
		p.isBool, p.truth = true, c == 't'
		s.at += 5
		if p.truth {
			s.at--
		}
	case c == '-' || c >= '0' && c <= '9':
		n, end, fault := scanNumber(s.text, s.at)
		if fault != "" {
			return p, badRequest("%s: got %s, %s", name, short(word(s.text[s.at:])), fault)
		}
		p.isInteger = n.whole && !n.long && !n.negative && n.mantissa <= math.MaxInt64
		p.integer = int64(n.mantissa)
		s.at = end
	default:
		return p, s.want(name, "a string, a number, true or false")
	}
	return p, err
}

// parameter is the value of a parameter.
type parameter struct {
	isBool, truth bool
	isInteger     bool // 0 or more
	integer       int64
}
