"""`python3 -m sigmavault.ryzan.answer_cache DESCRIPTOR`: started by the service only."""

import sys

from sigmavault.ryzan.answer_cache.process import serve

raise SystemExit(serve(int(sys.argv[1])))
