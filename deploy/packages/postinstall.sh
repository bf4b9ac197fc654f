#!/bin/sh
# dpkg and rpm run this after an installation or an upgrade.
set -e

# The directory exists if systemd runs.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart greenapi_exporter.service || true
fi
