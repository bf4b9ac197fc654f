#!/usr/bin/env bash
# Checks the archives and packages in dist. `make packages` builds them and runs this script.
set -euo pipefail

fail() {
	echo "check.sh: $*" >&2
	exit 1
}

version=$(cat VERSION)
name=greenapi_exporter-$version
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# With pipefail, a program whose output grep -q does not read to the end can fail.

echo "== the notes of a release are its section of the change log"
log=$'## [Unreleased]\n\n## [9.9.9] - 2026-01-02\n\n- new\n\n## [9.9.8] - 2026-01-01\n\n- old'
sh tools/release/notes.sh 9.9.9 <<< "$log" > "$tmp/notes"
[[ $(grep . "$tmp/notes") == "- new" ]] || fail "the notes are: $(cat "$tmp/notes")"
if sh tools/release/notes.sh 9.9.7 <<< "$log" 2> /dev/null; then
	fail "notes.sh accepts a version without a section"
fi

echo "== a release requires a tag that equals VERSION, and is identical to a snapshot"
git diff --quiet HEAD || fail "commit your changes: the check compares with a build of a clone"
# As in GitHub Actions, the clone has no branch. It can contain this tag, at an earlier commit.
git -c advice.detachedHead=false clone --quiet . "$tmp/clone"
git -C "$tmp/clone" checkout --quiet --detach HEAD
mkdir "$tmp/clone/.tools"
ln -s "$PWD/.tools/bin" "$tmp/clone/.tools/bin"
release() {
	git -C "$tmp/clone" tag --force "$1" > /dev/null
	GORELEASER_CURRENT_TAG=$1 make -C "$tmp/clone" release \
		RELEASE="--skip=publish --release-notes=$tmp/notes" &> "$tmp/log"
}
if release v99.0.0; then fail "the tag v99.0.0 did not stop the release"; fi
grep -q "the tag is v99.0.0, but VERSION contains $version" "$tmp/log" || fail "$(cat "$tmp/log")"
release "v$version" || fail "$(cat "$tmp/log")"
grep -q changelog "$tmp/log" || fail "goreleaser does not read the notes"
diff <(grep -v cdx dist/sha256sums.txt) <(grep -v cdx "$tmp/clone/dist/sha256sums.txt")

echo "== each archive contains the binary, the licenses, the rules and the dashboard"
for platform in {linux,darwin,windows}-{amd64,arm64} linux-armv7; do
	suffix=
	case $platform in
		windows-*) suffix=.exe && unzip -q "dist/$name.$platform.zip" -d "$tmp" ;;
		*) tar -xzf "dist/$name.$platform.tar.gz" -C "$tmp" ;;
	esac
	dir=$tmp/$name.$platform
	go version -m "$dir/greenapi_exporter$suffix" | awk '$1 == "dep" {print $2}' > "$tmp/modules"
	[[ $(wc -l < "$tmp/modules") -gt 10 ]] || fail "$platform: the binary does not list its modules"
	for module in go $(cat "$tmp/modules"); do
		find "$dir/licenses/$module" -type f 2>/dev/null | grep . > /dev/null ||
			fail "$platform: no license of $module"
	done
	for file in LICENSE README.md docs/runbook-messages.md grafana-dashboard.json \
		deploy/prometheus/greenapi.rules.yml deploy/systemd/greenapi_exporter.service; do
		[[ -f $dir/$file ]] || fail "$platform: no $file"
	done
	grep -q '"bomFormat": "CycloneDX"' "dist/$name.$platform.cdx.json" || fail "$platform: no SBOM"
done
(cd dist && sha256sum --check --quiet sha256sums.txt)
[[ $(wc -l < dist/sha256sums.txt) -eq 20 ]] || fail "want 7 archives, 7 SBOMs and 6 packages"

echo "== --version prints the version and the commit"
out=$("$tmp/$name.linux-$(go env GOHOSTARCH)/greenapi_exporter" --version)
grep -q "version $version (.*revision: $(git rev-parse HEAD)" <<< "$out" || fail "--version: $out"

echo "== the rpm contains the expected files, and depends on the program that the unit calls"
rpm=$(echo dist/greenapi-exporter-*.x86_64.rpm)
rpm -qpl "$rpm" | grep -v /licenses | sort > "$tmp/files"
git ls-files docs | sed 's|^|/usr/share/doc/greenapi-exporter/|' |
	sort - tools/release/files.txt | diff - "$tmp/files"
rpm -qp --qf '[%{FILENAMES} %{FILEFLAGS:fflags}\n]' "$rpm" |
	grep -x '/etc/default/greenapi_exporter cn' > /dev/null ||
	fail "an upgrade replaces the default file"
rpm -qpR "$rpm" | grep -x /usr/bin/kill > /dev/null ||
	fail "the rpm does not depend on /usr/bin/kill"

echo "== the deb can be installed, upgraded and purged in a minimal Debian system"
arch=$(dpkg --print-architecture)
mkdir "$tmp/packages"
cp dist/greenapi-exporter_*_"$arch".deb "$tmp/packages/old.deb"
dpkg-deb -R "$tmp/packages/old.deb" "$tmp/deb"
sed -i 's/^Version: .*/Version: 99/' "$tmp/deb/DEBIAN/control"
echo '# a comment of version 99' >> "$tmp/deb/etc/default/greenapi_exporter"
dpkg-deb --root-owner-group -b "$tmp/deb" "$tmp/packages/new.deb" > /dev/null
cp tools/release/check-deb.sh VERSION "$tmp/packages/"
sudo=()
((EUID == 0)) || sudo=(sudo)
"${sudo[@]}" mmdebstrap --variant=minbase --include=systemd --dpkgopt=force-unsafe-io \
	--customize-hook="copy-in '$tmp/packages' /" \
	--customize-hook='chroot "$1" sh /packages/check-deb.sh' trixie /dev/null
