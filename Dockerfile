# By default, the stage source compiles the program, and the build context is the repository. The
# published image contains the binaries of `make release` instead. It is built with
# BINARIES=prebuilt, and its build context is dist/image.
ARG BINARIES=source

FROM --platform=$BUILDPLATFORM golang:1.26.8@sha256:6c2a5538f964f1c82f97ad14988bf05de100d922d159d0e398b54c7b0ca0c6c9 AS source
WORKDIR /src
COPY go.mod go.sum ./
ARG GOPROXY
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH TARGETVARIANT REVISION=unknown
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -trimpath -buildvcs=false -o /image/greenapi_exporter -ldflags "-s -w \
    -X github.com/prometheus/common/version.Revision=${REVISION} \
    -X github.com/prometheus/common/version.Branch=unknown \
    -X github.com/prometheus/common/version.BuildUser=docker \
    -X github.com/prometheus/common/version.BuildDate=unknown" . && \
    mkdir -p /image/licenses /image/volume && cp LICENSE /image/licenses/ && \
    cp /etc/ssl/certs/ca-certificates.crt /image/

FROM scratch AS prebuilt
ARG TARGETPLATFORM
COPY $TARGETPLATFORM /image/
COPY common /image/

FROM ${BINARIES} AS binaries

FROM scratch
LABEL org.opencontainers.image.title="greenapi_exporter" \
      org.opencontainers.image.description="Prometheus exporter for WhatsApp through GREEN-API" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=binaries /image/ca-certificates.crt /etc/ssl/certs/
COPY --from=binaries /image/licenses /licenses
COPY --from=binaries /image/greenapi_exporter /greenapi_exporter
# A new volume inherits the owner of this directory.
COPY --from=binaries --chown=65534:65534 /image/volume /var/lib/greenapi_exporter
ENV GREENAPI_STORAGE_PATH=/var/lib/greenapi_exporter
VOLUME /var/lib/greenapi_exporter
USER 65534:65534
EXPOSE 10466
HEALTHCHECK CMD ["/greenapi_exporter", "--healthcheck"]
ENTRYPOINT ["/greenapi_exporter"]
