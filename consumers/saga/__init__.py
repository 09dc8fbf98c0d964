"""Sagas: the runner that carries them on, and their timers. It knows nothing of any saga (see `registry`)."""
