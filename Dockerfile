ARG GO_VERSION=1.26

FROM golang:${GO_VERSION} AS modules
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download

FROM modules AS builder
ARG REVISION=unknown
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /greenapi_exporter -ldflags "-s -w \
    -X github.com/prometheus/common/version.Revision=${REVISION} \
    -X github.com/prometheus/common/version.Branch=unknown \
    -X github.com/prometheus/common/version.BuildUser=docker \
    -X github.com/prometheus/common/version.BuildDate=unknown" .
RUN mkdir -p /volume

FROM scratch
ARG REVISION=unknown
LABEL org.opencontainers.image.title="greenapi_exporter" \
      org.opencontainers.image.description="Prometheus exporter for WhatsApp through GREEN-API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=builder /greenapi_exporter /greenapi_exporter
# A new volume gets the owner of this directory.
COPY --from=builder --chown=65534:65534 /volume /var/lib/greenapi_exporter
ENV GREENAPI_STORAGE_PATH=/var/lib/greenapi_exporter
VOLUME /var/lib/greenapi_exporter
USER 65534:65534
EXPOSE 10466
ENTRYPOINT ["/greenapi_exporter"]
