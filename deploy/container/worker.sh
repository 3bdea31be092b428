#!/bin/sh
# Starts a worker under a health port and a name in the telemetry that no other one has. The workers of
# docker-compose.yml share one network namespace, and with it the host's name, and each of them is process 1.
set -eu
OUTRIDER_HEALTH_PORT=$(python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
OTEL_RESOURCE_ATTRIBUTES="${OTEL_RESOURCE_ATTRIBUTES:+$OTEL_RESOURCE_ATTRIBUTES,}service.instance.id=worker-$OUTRIDER_HEALTH_PORT"
export OUTRIDER_HEALTH_PORT OTEL_RESOURCE_ATTRIBUTES
echo "$OUTRIDER_HEALTH_PORT" > "${TMPDIR:-/tmp}/health-port" # for ready.py
exec outrider worker
