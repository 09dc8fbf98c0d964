"""Records that somebody of the staff takes rows away as a file, before they are handed out."""
