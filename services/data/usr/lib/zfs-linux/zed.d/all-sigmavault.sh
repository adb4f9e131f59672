#!/bin/bash
# Tells the host daemon that the state of a pool may have changed; zed(8) runs it for every event.
# Nothing that is told here is believed: the daemon looks at the pools itself.
set -euo pipefail

case "${ZEVENT_SUBCLASS:-}" in
    statechange | config_sync | io_failure | probe_failure) ;;
    pool_* | vdev_* | resilver_* | scrub_*) ;;
    *) exit 0 ;; # errors of single reads and history come by the thousand, and change no state
esac

# One argument for each value, never code. Without the daemon there is nobody to tell: it looks when it starts.
# The reply is waited for: the daemon asks the bus who calls, and must find us there.
exec /usr/bin/busctl --system --quiet --auto-start=no --timeout=10 -- call \
    org.sigmavault.Host /org/sigmavault/Host org.sigmavault.Host1 ReportEvent 'a{ss}' 5 \
    class "${ZEVENT_SUBCLASS}" \
    pool "${ZEVENT_POOL:-}" \
    guid "${ZEVENT_POOL_GUID:-}" \
    vdev "${ZEVENT_VDEV_PATH:-}" \
    state "${ZEVENT_VDEV_STATE_STR:-}"
