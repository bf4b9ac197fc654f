package simulator

import "strconv"

// object writes an object's members one after the other. Strings are given as they stand in JSON.
type object struct{ b []byte }

func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), `":`...)
}

func (o *object) raw(name, value string) {
	o.key(name)
	o.b = append(o.b, value...)
}

// str writes the pieces as one string.
func (o *object) str(name string, pieces ...string) {
	o.key(name)
	o.b = append(o.b, '"')
	for _, piece := range pieces {
		o.b = append(o.b, piece...)
	}
	o.b = append(o.b, '"')
}

// bytes writes one string.
func (o *object) bytes(name string, value []byte) {
	o.key(name)
	o.b = append(append(append(o.b, '"'), value...), '"')
}

func (o *object) num(name string, value int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

func (o *object) flag(name string, value bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, value)
}

func (o *object) open(name string) {
	o.key(name)
	o.b = append(o.b, '{')
}

func (o *object) close() { o.b = append(o.b, '}') }

func (o *object) forwarded() {
	o.num("forwardingScore", 0)
	o.flag("isForwarded", false)
}
