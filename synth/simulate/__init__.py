"""A simulated listener: felt arousal, heart, breath and skin that answer to music by assumed, stated rules.

It validates software (stability, bias, power), not music: every figure that comes from it is to be called simulated.
"""
