"""python -m synth.daemon.stage: a worker, started by the API process."""

from __future__ import annotations

import sys

from synth.daemon.stage.worker import main

sys.exit(main())
