"""Webhook endpoints: merchants say where they want their events, and look at what was delivered."""
