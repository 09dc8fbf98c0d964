-- Nobody reads what no process of theirs reads. tests/integration/infra/migrations/rights.txt has what is left.

-- Whose an id of Stripe is, append_owned decides, with the owner's rights: the application need not see all of them.
REVOKE SELECT ON event_store.stripe_id_owners FROM paystream_app;
-- The reconciliation's alone, which is the application's.
REVOKE SELECT ON ledger.stripe_movements FROM paystream_projector, paystream_query;
-- Functions read it, with the owner's rights.
REVOKE SELECT ON privacy.usable_keys FROM paystream_erasure;
-- The view above was all that it had of the schema.
REVOKE USAGE ON SCHEMA ledger FROM paystream_projector, paystream_query;
