"""The two HTTP APIs as the back office calls them."""
