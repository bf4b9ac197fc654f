#!/bin/sh
# dpkg and rpm run this after a removal. dpkg also runs it with "purge", which removes the token
# and the ledgers. systemd stores the ledgers in the directory private.
set -e

if [ "$1" = purge ]; then
	rm -rf /etc/greenapi_exporter /var/lib/greenapi_exporter /var/lib/private/greenapi_exporter
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
