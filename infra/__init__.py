"""What touches the outside and belongs to no single part: settings, logging, health, clients, HTTP plumbing.

A base layer: it imports the standard library and third parties, never the rest of Paystream.
"""
