"""One command of a client from the request to the response, whichever aggregate it is about."""
