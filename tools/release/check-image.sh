#!/bin/bash
# Builds the published image twice with buildah, which requires no container engine, and checks it.
# This requires root, so the script uses sudo if necessary.
set -euo pipefail
((EUID == 0)) || exec sudo bash "$0"

version=$(<VERSION)
platforms=linux/amd64,linux/arm64,linux/arm/v7
timestamp=$(git log -1 --format=%ct)
tmp=$(mktemp -d)
trap 'buildah rm --all > /dev/null; rm -rf "$tmp"' EXIT

# This storage is separate from that of the images and containers of the machine.
buildah() { command buildah --root "$tmp/storage" --runroot "$tmp/run" "$@"; }

build() { # manifest, format
	buildah bud --quiet --isolation chroot --pull-never --format "$2" --timestamp "$timestamp" \
		--platform "$platforms" --build-arg BINARIES=prebuilt \
		--build-arg GOPROXY=https://a.example \
		--label org.opencontainers.image.version="$version" \
		--manifest "$1" -f Dockerfile dist/image > /dev/null
	buildah manifest inspect "$1" | grep digest | sort
}

fail() {
	echo "check-image: $1" >&2
	exit 1
}

first=$(build greenapi-check-1 oci)
[ "$(wc -l <<< "$first")" = 3 ] || fail "want 3 platforms, got: $first"
[ "$first" = "$(build greenapi-check-2 oci)" ] || fail "two builds of the image differ"

# Only Docker's image format supports health checks; the OCI format does not.
build greenapi-check-3 docker > /dev/null
container=$(buildah from --pull-never greenapi-check-3)
config=$(buildah inspect --type container "$container" | tr -d ' \n')
for want in '"/greenapi_exporter","--healthcheck"' '"User":"65534:65534"' \
	'"org.opencontainers.image.title":"greenapi_exporter"' \
	'"org.opencontainers.image.licenses":"Apache-2.0"' \
	"\"org.opencontainers.image.version\":\"$version\""; do
	grep -Fq "$want" <<< "$config" || fail "the configuration lacks $want"
done
! grep -q -e prebuilt -e a.example <<< "$config" ||
	fail "the configuration contains a build argument"

root=$(buildah mount "$container")
printed=$(chroot --userspec=65534:65534 "$root" /greenapi_exporter --version)
[[ $printed == *"version $version "* ]] || fail "--version prints $printed, want version $version"
[ -s "$root/etc/ssl/certs/ca-certificates.crt" ] || fail "the image has no CA certificates"
[ -d "$root/licenses/github.com/prometheus/client_golang" ] || fail "the image lacks licenses"
[ "$(stat -c %u "$root/var/lib/greenapi_exporter")" = 65534 ] ||
	fail "user 65534 does not own the volume"
healthcheck() {
	chroot --userspec=65534:65534 "$root" /greenapi_exporter --healthcheck \
		--web.listen-address=127.0.0.1:10469 > /dev/null 2>&1
}
! healthcheck || fail "--healthcheck succeeds although no exporter is running"
chroot --userspec=65534:65534 "$root" /greenapi_exporter --demo \
	--web.listen-address=127.0.0.1:10469 > /dev/null 2>&1 &
for _ in {1..60}; do
	! healthcheck || break
	sleep 1
done
healthcheck || fail "--healthcheck fails although the exporter is running"
kill $!
echo "check-image: ok"
