-- Operators see rebuilds over HTTP too.
GRANT SELECT ON consumers.projection_builds TO paystream_app;
