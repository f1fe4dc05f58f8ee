"""What keeps a listener safe: every limit in one table, and the guards that nothing passes or switches off.

To read it in one sitting, in this order, each file with what it promises:

1. `limits.py`: every limit, once, with its source, in three profiles that only narrow; which way a control is intense.
2. `screening.py`: the safety questions, and what each answer closes; no answer is the cautious one.
3. `constraints.py`: a person's sentences ("no percussion"), understood or refused.
4. `bounds.py`: what one session may do, from profile, screening and constraints; everything here only narrows.
5. `control_guard.py`: inside the bus commit, so that hands, scripts and networks pass it too: no value outside the
   bounds, no move faster than its limit.
6. `stop_rules.py`: signs of distress take the music back, then ground it.
7. `output.py`: the last thing every sample passes: no jump of loudness, no sudden attack, no peak over the ceiling, no
   number that is none, and panic in a quarter of a second. Its rules are in `synth/dsp/rise.py` and
   `synth/dsp/attack.py`; the master keeps the same ones, a little stricter, within its look-ahead.
8. `dose.py`, `ledger.py`: how much of a week's sound was had, once the output is calibrated, and what follows from it.

`HAZARDS.md` lists what could go wrong, what stops it, and the tests that show it. Losing a sensor is dealt with where
signals are read (`synth/estimator/`, `synth/steering/policy.py`); people's verbs in `synth/steering/`.
"""
