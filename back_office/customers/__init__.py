"""A customer: what their payments come to, and each of them."""
