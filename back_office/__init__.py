"""The back office: pages in the browser for support, finance, operators and auditors.

It has no database: what it shows and does goes through the two HTTP APIs, so whatever it can do, they can.
"""
