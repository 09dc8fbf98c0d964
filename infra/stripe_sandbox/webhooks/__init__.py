"""Webhooks: events sent to endpoints, signed, at least once, again and again until they are taken.

https://docs.stripe.com/webhooks. `queue.py` keeps what is due in the store, inside the transaction of the change
itself; `dispatcher.py` sends it afterwards, on its own time.
"""
