"""What both HTTP APIs share: problems, API keys, request context, server."""
