"""`paystream doctor`: is a deployment configured so that it can work, and if not, what mends it.

It looks and changes nothing. Every concern has a module: what is asked of a server, and apart from that, pure, what
the answers mean. It is no monitoring: the processes' /health and /metrics say how they are while they run.
"""
