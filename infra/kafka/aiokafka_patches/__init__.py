"""All that reaches into aiokafka or replaces a part of it, each with its reason. Written for aiokafka 0.14.

A new version of aiokafka is taken only after each module here was read against it.
"""
