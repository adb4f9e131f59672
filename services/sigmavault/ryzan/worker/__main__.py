"""`python3 -m sigmavault.ryzan.worker`: started by the service only."""

from sigmavault.ryzan.worker.main import main

raise SystemExit(main())
