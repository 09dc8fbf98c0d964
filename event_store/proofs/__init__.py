"""Makes the log provable: an RFC 6962 tree over statements of its events, in the formats of C2SP.

Pure but for `tile_folder`, `sealed_log` and `log_rows`, which read files and the database. What seals is
`event_store.sealer`. See docs/proofs.md.
"""
