"""How many requests an API key may make: a token bucket for each key and class of routes."""
