"""`paystream doctor`: whether a deployment is configured so that it can work, with a remedy for each problem.

It changes nothing. Every concern has a module with the questions to a server and, apart from them and pure, what the
answers mean. It is not monitoring: the processes' /health and /metrics show their state while they run.
"""
