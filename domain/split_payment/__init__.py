"""The split payment: one purchase paid by several payments, its legs, all or nothing.

``decide`` turns commands into events, ``step`` turns what became of the legs into events and into requests of the legs,
``evolve`` turns events into state.
"""
