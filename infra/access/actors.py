"""Who did something, as the metadata of an event says it."""

_API = "api:"


def operator_actor(actor: str) -> str:
    """Return the actor of what an operator does: by the command line `operator:<name>`.

    Over HTTP it is known already, as `api:<key id>` or `api:<key id>/<name>`: the key vouches for the name.
    """
    return actor if actor.startswith(_API) else f"operator:{actor}"
