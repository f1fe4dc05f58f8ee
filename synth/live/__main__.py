"""`python -m synth.live` is the live process."""

from __future__ import annotations

import gc
import sys

gc.disable()  # until a session is made, as there is nothing to be found among what is only just loaded

from synth.live.process import main  # noqa: E402

sys.exit(main())
