#!/bin/sh
# Starts a worker under a health port that no other one has: the workers of docker-compose.yml share one network
# namespace.
set -eu
OUTRIDER_HEALTH_PORT=$(python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
export OUTRIDER_HEALTH_PORT
echo "$OUTRIDER_HEALTH_PORT" > "${TMPDIR:-/tmp}/health-port" # for ready.py
exec outrider worker
