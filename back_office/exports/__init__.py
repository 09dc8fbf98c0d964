"""Files of exactly the rows that a list shows: streamed, and recorded before the first row."""
