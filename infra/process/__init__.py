"""A process of the system: its event loop, its end, its health, and which processes there are."""
