package npy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Python literal is a string, an int64, a bool, nil, a []any for a tuple or a
// list, or a map[string]any.

// parseLiteral reads the Python literal that text is, with blanks around it.
func parseLiteral(text string) (any, error) {
	p := &literalParser{rest: text}
	v, err := p.value(0)
	if err != nil {
		return nil, fmt.Errorf("%w at %q", err, clip(p.rest))
	}
	if p.blanks(); p.rest != "" && strings.Trim(p.rest, "\x00") != "" {
		return nil, fmt.Errorf("%q after its end", clip(p.rest))
	}
	return v, nil
}

// clip is the start of a text, for messages.
func clip(s string) string {
	const most = 20
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

type literalParser struct{ rest string }

func (p *literalParser) blanks() { p.rest = strings.TrimLeft(p.rest, " \t\r\n\f") }

// next passes over blanks and then over token, if it follows.
func (p *literalParser) next(token string) bool {
	p.blanks()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *literalParser) value(depth int) (any, error) {
	const deepest = 16
	if depth > deepest {
		return nil, errors.New("too deeply nested")
	}
	p.blanks()
	switch {
	case p.next("{"):
		return p.dict(depth)
	case p.next("("):
		return p.list(")", depth)
	case p.next("["):
		return p.list("]", depth)
	case p.next("True"):
		return true, nil
	case p.next("False"):
		return false, nil
	case p.next("None"):
		return nil, nil
	}
	for _, prefix := range []string{"u", "b", "U", "B", ""} { // b'…' and u'…' are of other Pythons
		for _, quote := range []string{"'", `"`} {
			if p.next(prefix + quote) {
				return p.text(quote)
			}
		}
	}
	return p.integer()
}

// text reads a string up to its closing quote. Escapes are not known: no name of a
// type has any.
func (p *literalParser) text(quote string) (any, error) {
	s, rest, ok := strings.Cut(p.rest, quote)
	if !ok || strings.ContainsAny(s, "\\\n") {
		return nil, errors.New("a string that does not end")
	}
	p.rest = rest
	return s, nil
}

func (p *literalParser) integer() (any, error) {
	n := 0
	for n < len(p.rest) && (p.rest[n] >= '0' && p.rest[n] <= '9' || n == 0 && p.rest[n] == '-') {
		n++
	}
	v, err := strconv.ParseInt(p.rest[:n], 10, 64)
	if err != nil {
		return nil, errors.New("neither a string, a number, a tuple nor a dictionary")
	}
	p.rest = strings.TrimPrefix(p.rest[n:], "L") // of Python 2
	return v, nil
}

// list reads the elements of a tuple or a list up to the closing bracket.
func (p *literalParser) list(closing string, depth int) (any, error) {
	list := []any{}
	for !p.next(closing) {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if !p.next(",") {
			if !p.next(closing) {
				return nil, fmt.Errorf("want , or %s", closing)
			}
			return list, nil
		}
	}
	return list, nil
}

func (p *literalParser) dict(depth int) (any, error) {
	dict := map[string]any{}
	for !p.next("}") {
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok || !p.next(":") {
			return nil, errors.New("want a string with a colon after it")
		}
		if dict[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		if !p.next(",") {
			if !p.next("}") {
				return nil, errors.New("want , or }")
			}
			return dict, nil
		}
	}
	return dict, nil
}
