"""How the system is."""
