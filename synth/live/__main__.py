"""`python -m synth.live` is the live process."""

from __future__ import annotations

import sys

from synth.live.process import main

sys.exit(main())
