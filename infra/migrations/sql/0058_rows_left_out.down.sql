DROP TABLE consumers.stripe_rows_left_out;
