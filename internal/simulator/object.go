package simulator

import "strconv"

// jsonWriter writes an object's members one after the other. Strings are given as they stand in JSON.
type jsonWriter struct{ b []byte }

func (o *jsonWriter) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), `":`...)
}

func (o *jsonWriter) raw(name, value string) {
	o.key(name)
	o.b = append(o.b, value...)
}

// str writes the pieces as one string.
func (o *jsonWriter) str(name string, pieces ...string) {
	o.key(name)
	o.b = append(o.b, '"')
	for _, piece := range pieces {
		o.b = append(o.b, piece...)
	}
	o.b = append(o.b, '"')
}

// bytes writes one string.
func (o *jsonWriter) bytes(name string, value []byte) {
	o.key(name)
	o.b = append(append(append(o.b, '"'), value...), '"')
}

func (o *jsonWriter) num(name string, value int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

func (o *jsonWriter) flag(name string, value bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, value)
}

func (o *jsonWriter) open(name string) {
	o.key(name)
	o.b = append(o.b, '{')
}

func (o *jsonWriter) close() { o.b = append(o.b, '}') }

func (o *jsonWriter) forwarded() {
	o.num("forwardingScore", 0)
	o.flag("isForwarded", false)
}
