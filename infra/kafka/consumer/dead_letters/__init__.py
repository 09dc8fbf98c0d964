"""Dead letters: what becomes of a record that can never be applied.

It is written into the table `consumers.dead_letters`, and its partition goes on. Later records of its stream (its
payment) are parked behind it in the same table, so that a stream keeps its order within a consumer; other streams are
not held up. `paystream dlq` lists, shows, replays and discards; the topic `<topic>.dlq.<consumer>` announces.

- `delivery` is a record as it was read: decoded, or with what could be read of its place.
- `burial` applies batches while dead letters are about, and writes them; all under the lock of the checkpoints.
- `replay` applies a dead letter that somebody asked for, under the same lock.
- `announce` copies rows to the topic; `desk` is the task that looks after all this in a running consumer.
- `operators` is what people do with the table; `paystream dlq` is its face.

A dead letter never moves a checkpoint. The next event does, which names it as its predecessor
(`checkpoints.select_new`). docs/decisions/0008 has the reasons.
"""
