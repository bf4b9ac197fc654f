package greenapi

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"greenapi_exporter/internal/jsonstream"
)

// gzipBody decompresses a body that consists of gzip members. net/http is not used for this,
// because it fails if other bytes follow a member.
//
// Read returns jsonstream.ErrPartEnd between two members, so a damaged member after the end of the
// JSON has no effect. Read ignores bytes after a member that are not a member.
type gzipBody struct {
	io.Closer // the compressed body
	in        *bufio.Reader
	member    gzip.Reader
	inMember  bool
}

// decompress returns the body of a response without its gzip encoding, if it has one.
func decompress(received *http.Response) io.ReadCloser {
	switch strings.ToLower(received.Header.Get("Content-Encoding")) {
	case "gzip", "x-gzip": // equivalent, according to RFC 9110, section 8.4.1.3
		return &gzipBody{Closer: received.Body, in: bufio.NewReader(received.Body)}
	default:
		return received.Body
	}
}

// Read implements io.Reader.
func (b *gzipBody) Read(p []byte) (int, error) {
	if !b.inMember {
		if err := b.member.Reset(b.in); err != nil {
			return 0, err
		}
		b.member.Multistream(false)
		b.inMember = true
	}
	n, err := b.member.Read(p)
	if err == io.EOF {
		b.inMember = false
		err = b.afterMember()
	}
	return n, err
}

// afterMember returns the error of Read after a member.
func (b *gzipBody) afterMember() error {
	const magic = "\x1F\x8B"
	next, err := b.in.Peek(len(magic))
	switch {
	case string(next) == magic:
		return jsonstream.ErrPartEnd
	case err != nil:
		return err
	default:
		return io.EOF
	}
}
