"""Dead letters, their replay and their end."""
