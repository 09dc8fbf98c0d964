"""Keeps aiokafka from creating the topics that it only asks about.

A broker creates an unknown topic that a metadata request names, with its own default of partitions, unless the request
says no; aiokafka never does (`allow_auto_topic_creation` is true in `aiokafka.protocol.metadata`) and has no option
for it. A broker that lost its memory would then get our topics with a wrong number of partitions from whichever client
comes back first. KIP-204, KIP-361.
"""

from functools import partial

import aiokafka.client
from aiokafka.protocol.metadata import MetadataRequest


def never_create_topics() -> None:
    """Make every aiokafka client of this process ask without creating. Running it again changes nothing."""
    aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)
