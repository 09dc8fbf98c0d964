"""Dead letters: what becomes of a record that can never be applied.

It is written into the table `consumers.dead_letters`, and its partition goes on. Later records of its stream (its
payment) are parked behind it in the same table, so that a stream keeps its order within a consumer; other streams are
not held up. `paystream dlq` lists, shows, replays and discards; the topic `<topic>.dlq.<consumer>` has a copy of each.

- `delivery`: a record as it was read, decoded, or with what could be read of its position.
- `writer`: applies batches while there are dead letters, and writes new ones, under the lock of the checkpoints.
- `replay`: applies dead letters whose replay was requested, under the same lock.
- `publisher`: copies rows to the topic.
- `worker`: the background task of a running consumer that replays and publishes.
- `admin`: what operators do with the table, for `paystream dlq`.

A dead letter never moves a checkpoint. The next event does, which names it as its predecessor
(`checkpoints.select_new`). The reasons are in docs/decisions/0008.
"""
