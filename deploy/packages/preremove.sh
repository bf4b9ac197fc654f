#!/bin/sh
# dpkg and rpm run this before a removal and before an upgrade.
set -e

case $1 in
	remove | 0) # the argument of dpkg and of rpm for a removal
		if [ -d /run/systemd/system ]; then
			systemctl stop greenapi_exporter.service || true
		fi
		if command -v systemctl >/dev/null; then
			systemctl --quiet disable greenapi_exporter.service || true
		fi
		;;
esac
