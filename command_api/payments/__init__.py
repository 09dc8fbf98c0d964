"""Commands on payments over HTTP: recorded once, answered from the log."""
