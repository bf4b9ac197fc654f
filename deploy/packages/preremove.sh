#!/bin/sh
# dpkg and rpm run this script before a removal and before an upgrade.
set -e

case $1 in
	remove | 0) # a removal, with dpkg or with rpm
		if [ -d /run/systemd/system ]; then
			systemctl stop greenapi_exporter.service || true
		fi
		if command -v systemctl >/dev/null; then
			systemctl --quiet disable greenapi_exporter.service || true
		fi
		;;
esac
