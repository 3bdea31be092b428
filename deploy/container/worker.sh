#!/bin/sh
# Starts a worker on a health port that nobody else has, and leaves a note for ready.py where that is: the workers of
# docker-compose.yml share one network namespace, so the usual port is only one worker's.
set -eu
OUTRIDER_HEALTH_PORT=$(python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
export OUTRIDER_HEALTH_PORT
echo "$OUTRIDER_HEALTH_PORT" > "${TMPDIR:-/tmp}/health-port"
exec outrider worker
