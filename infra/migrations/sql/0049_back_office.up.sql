-- Who looks into a discrepancy. A projector of before leaves it empty.
ALTER TABLE read_model.discrepancies ADD COLUMN assignee text;
CREATE INDEX discrepancies_by_assignee ON read_model.discrepancies (assignee, date DESC, discrepancy_id DESC)
    WHERE assignee IS NOT NULL;

-- Operators see rebuilds, and how far the read model is, over HTTP too.
GRANT SELECT ON consumers.projection_builds, read_model.payments_watermark TO paystream_app;
