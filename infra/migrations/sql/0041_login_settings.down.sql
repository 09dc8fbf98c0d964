-- The settings stay: they belong to roles of the cluster, which another database may use, and do no harm.
DROP FUNCTION event_store.apply_login_settings();
