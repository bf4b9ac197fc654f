#!/bin/sh
# dpkg and rpm run this script after an installation and after an upgrade.
set -e

# This directory exists only if systemd is running.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart greenapi_exporter.service || true
fi
