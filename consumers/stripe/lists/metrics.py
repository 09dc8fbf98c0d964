"""What reading lists tells Prometheus."""

from prometheus_client import Counter

ROWS_READ = Counter("stripe_list_rows_read_total", "Rows that Stripe listed, those known already too", ["list"])
