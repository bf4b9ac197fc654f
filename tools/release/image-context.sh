#!/bin/sh
# Creates dist/image, the build context of the published image, from the binaries in dist.
set -eu

rm -rf dist/image
mkdir -p dist/image/common/volume
cp -R .tools/release/licenses dist/image/common/licenses
cp LICENSE dist/image/common/licenses/LICENSE
go -C tools run ./cabundle > dist/image/common/ca-certificates.crt

# Each line contains a platform and the suffix of its directory in dist.
while read -r platform suffix; do
	mkdir -p "dist/image/$platform"
	cp "dist/greenapi_exporter_$suffix/greenapi_exporter" "dist/image/$platform/"
done <<END
linux/amd64 linux_amd64_v1
linux/arm64 linux_arm64_v8.0
linux/arm/v7 linux_arm_7
END
