"""What operators see of the whole system over HTTP: how far each part is, and dead letters."""
