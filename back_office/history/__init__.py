"""What a payment was after each of its events, and what differs between two of them."""
