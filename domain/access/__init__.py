"""Who may call: merchants, and the API keys of merchants and of the operator."""
