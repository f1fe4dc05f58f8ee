"""From samples to the listener's state; knows nothing of audio."""
