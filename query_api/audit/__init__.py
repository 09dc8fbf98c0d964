"""What auditors ask of the log over HTTP. It is of all merchants, and read through the role paystream_audit."""
