"""Split payments over HTTP: opened, canceled and refunded."""
