/* The way of an event from the log to Stripe, as a model that a checker exhausts: `make model-check`.
 *
 * One PostgreSQL and what a failover or a restore makes of it, one partition of Kafka with transactions, a relay and a
 * zombie of it, a consumer, a gateway, Stripe, a client that asks again. In words:
 *
 *   nothing twice    Stripe carries out each request once, whatever is restored, sent again or comes late;
 *   order            the positions in Kafka rise, and each event is there once;
 *   no position      stands for two events, in the log or in Kafka, before and after a failover;
 *   nothing lost     when all is quiet, log and Kafka hold the same, each request was carried out, and what was answered is
 *                    there, but for what was never published when the failover came;
 *   no false answer  what is replayed is in the log, or comes back into it;
 *   everything ends  in a state in which nobody waits for anything.
 *
 * -D switches (tests/model/check.py): FAILOVER, RESTORE, CRASH, WIPE (Kafka), WIPE_REDIS and LATE (Stripe prunes its keys) choose
 * what may happen, each once at any moment (a failover or restore LOSSES times). The others take a guard away, and the model must
 * fail then. What is not in it: several partitions, several payments that depend on each other, the decisions of the domain.
 */

#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef ASKS
#define ASKS 2 /* how often a client asks, with one key */
#endif
#ifndef LOSSES
#define LOSSES 1 /* how often the copy takes the place of PostgreSQL */
#endif
#define MOST 3 /* for which the arrays are made, and the expressions below */
#define POSITIONS (4 + 4 * (LOSSES + 1))
#define UNSEEN 3 /* how far new positions begin beyond the highest that anybody has seen */
#define NOTHING 0
#define DUE 1
#define DONE 2

/* PostgreSQL. `held`: transactions that have drawn a position and not ended (they hold the lock of the sequence). */
byte log_[POSITIONS];
byte sequence_;
byte noted;
byte checkpoint;
byte task[MOST + 1];
bool attempted_late[MOST + 1]; /* the first attempt, as the task remembers it, was after the keys were pruned */
bool attempted[MOST + 1];
byte epoch = 1;
bool right_server = true; /* this PostgreSQL is the one that the log names */
bool start_seen = true;   /* since it was started, a relay has compared the log with Kafka */
byte lives;               /* how often its connections broke */
bool held[MOST + 1];

#if defined(NO_INCARNATION)
#define OPEN true
#elif defined(TRUST_START)
#define OPEN right_server
#else
#define OPEN (right_server && start_seen)
#endif
#ifdef NO_FENCE
#define COMMITS(session) true
#else
#define COMMITS(session) (session == fence)
#endif

byte log_end; /* the highest position that has an event */
#define SOME_DUE (task[1] == DUE || task[2] == DUE || task[3] == DUE)
#define NONE_HOLDS (!held[1] && !held[2] && !held[3])
#define THOSE_ARE_GONE (!(waits_for[1] && held[1]) && !(waits_for[2] && held[2]) && !(waits_for[3] && held[3]))

/* What a standby, or a backup, has of it. */
byte copy_log[POSITIONS];
byte copy_sequence, copy_noted, copy_checkpoint, copy_epoch;
byte copy_task[MOST + 1];
bool copied;
byte losses;

/* Kafka: one partition, its progress record, and the fence of transactional producers. */
byte topic_event[POSITIONS], topic_position[POSITIONS];
byte topic_end;
byte progress_event, progress_position, progress_epoch;
byte announced; /* above which position a recovery said that new ones would be */
byte fence;
byte wipes;

/* Stripe, and what clients were told. `late`: keys of before are pruned, and all events are too old to be sent. */
byte carried_out[MOST + 1];
bool key_known[MOST + 1];
bool late;
bool is_old[MOST + 1];
bool answered[MOST + 1];
bool given_up[MOST + 1]; /* it was never asked of Stripe, and is too old to be asked now */
bool redis_wiped;
byte in_redis[MOST + 1]; /* the epoch in which the answer was kept */

/* History: which event a position stood for, first of all. */
byte stood_for[POSITIONS];
bool was_published[MOST + 1];

inline use(p, e) {
    assert(p < POSITIONS);
    assert(stood_for[p] == NOTHING || stood_for[p] == e); /* no position stands for two events */
    stood_for[p] = e
}

inline find_end() {
    log_end = 0;
    for (i : 1 .. POSITIONS - 1) {
        if
        :: log_[i] != NOTHING -> log_end = i
        :: else
        fi
    }
}

inline in_log(e, found) {
    found = false;
    for (i : 1 .. POSITIONS - 1) {
        if
        :: log_[i] == e -> found = true
        :: else
        fi
    }
}

/* A command: its event and its idempotency record in one transaction. The client asks again with the same key. */
proctype Client(byte e) {
    byte position, life, asked, i;
    bool there;
    do
    :: asked == ASKS -> break
    :: asked < ASKS ->
        atomic {
            OPEN || (in_redis[e] != NOTHING) ->
            asked++;
            if
#ifdef REDIS_WITHOUT_EPOCH
            :: in_redis[e] != NOTHING && OPEN ->
#else
            :: in_redis[e] == epoch && OPEN ->
#endif
                in_log(e, there);
                assert(there); /* what is replayed is in the log */
                goto again
            :: OPEN -> skip
            :: else -> goto again
            fi;
            in_log(e, there);
            if
            :: there -> in_redis[e] = epoch; goto again /* the record in PostgreSQL: seen */
            :: else
            fi;
            sequence_++;
            position = sequence_;
            life = lives;
            held[e] = true
        }
        if
        :: atomic {
               life == lives ->
               use(position, e);
               log_[position] = e;
               is_old[e] = false;
               find_end()
           }
           atomic {
               if
               :: life == lives -> held[e] = false; answered[e] = true; in_redis[e] = epoch
               :: else /* committed, and the connection broke before the answer: the client does not know */
               fi
           }
        :: atomic { life == lives -> held[e] = false } /* rolled back: a gap */
        :: life != lives -> skip
        fi;
again:  skip
    od
}

/* A relay: opens a session (which fences older ones), compares, reads in order, publishes. Two of them: one is a zombie. */
proctype Relay() {
    byte mine, life, cursor, i, reading, known_epoch, new_epoch, new_positions;
    bool waits_for[MOST + 1];
    bool differs;
    byte wiped;
session:
    atomic {
        fence++;
        assert(fence < 250);
        mine = fence;
        life = lives;
        wiped = wipes;
        cursor = progress_position;
        known_epoch = epoch;
        /* Is the event that was published last in the log? */
        differs = (progress_position != 0 && log_[progress_position] != progress_event) || progress_epoch > epoch
    }
#ifndef NO_INCARNATION
    if
    :: atomic {
#ifdef LAST_EVENT_ALONE
           mine == fence && life == lives && (!right_server || differs) ->
#else
           mine == fence && life == lives && (!right_server || !start_seen || differs) ->
#endif
           /* Kafka stands still, for all others are fenced. */
           new_positions = sequence_;
           if
           :: topic_end > 0 && topic_position[topic_end - 1] > new_positions -> new_positions = topic_position[topic_end - 1]
           :: else
           fi;
           if
           :: announced > new_positions -> new_positions = announced
           :: else
           fi;
#ifndef NO_JUMP
           new_positions = new_positions + UNSEEN;
#endif
           new_epoch = epoch;
           if
           :: progress_epoch > new_epoch -> new_epoch = progress_epoch
           :: else
           fi;
#ifndef SAME_EPOCH
           new_epoch++;
#endif
       }
#ifndef NO_ANNOUNCEMENT
       atomic {
           if
           :: mine == fence -> announced = new_positions; progress_epoch = new_epoch
           :: else -> goto over
           fi
       }
#endif
       if
       :: life != lives -> goto session
       :: mine != fence -> goto over
       :: atomic {
           mine == fence && life == lives ->
           /* One transaction: what Kafka has behind the note, and the log lacks, is written back, and the log opens. */
           for (i : 0 .. POSITIONS - 1) {
               if
               :: i < topic_end && topic_position[i] > noted && log_[topic_position[i]] == NOTHING ->
                   use(topic_position[i], topic_event[i]);
                   log_[topic_position[i]] = topic_event[i]
               :: i < topic_end && topic_position[i] > noted && log_[topic_position[i]] != NOTHING ->
                   assert(log_[topic_position[i]] == topic_event[i]) /* else a person would have to decide */
               :: else
               fi
           }
           sequence_ = new_positions;
           epoch = new_epoch;
           right_server = true;
           start_seen = true;
           find_end();
           goto session
       }
       fi
#ifdef LAST_EVENT_ALONE
    :: atomic {
           mine == fence && life == lives && right_server && !start_seen && !differs ->
           start_seen = true;
           sequence_ = sequence_ + UNSEEN;
           epoch++;
           goto session
       }
#endif
    :: mine == fence && life == lives && right_server && start_seen && !differs -> skip
    :: mine != fence -> goto over
    :: mine == fence && life != lives -> goto session
    fi;
#endif
end: do
    :: mine == fence && (life != lives || wiped != wipes) -> goto session
    :: mine != fence -> break /* a newer one has taken over */
    :: atomic {
           life == lives && mine == fence && wiped == wipes && OPEN && cursor + 1 < POSITIONS && log_[cursor + 1] != NOTHING ->
           reading = log_[cursor + 1]
       }
        atomic {
            /* One Kafka transaction: the event and the progress. A fenced producer cannot commit; one that is paused here can
               be fenced. */
            if
            :: COMMITS(mine) && wiped == wipes ->
                assert(topic_end == 0 || cursor + 1 > topic_position[topic_end - 1]); /* positions rise, each is there once */
                use(cursor + 1, reading);
                topic_event[topic_end] = reading;
                topic_position[topic_end] = cursor + 1;
                topic_end++;
                was_published[reading] = true;
                progress_event = reading;
                progress_position = cursor + 1;
                progress_epoch = known_epoch;
                cursor++
            :: else
            fi
        }
        atomic {
            if
            :: life == lives && wiped == wipes && noted < cursor -> noted = cursor
            :: else
            fi
        }
    :: life == lives && mine == fence && wiped == wipes && OPEN && cursor + 1 < log_end && log_[cursor + 1] == NOTHING ->
        /* A gap: nothing here, and something behind. Which transactions may fill it? */
#ifdef ONE_STATEMENT
        /* The rows of a snapshot, and the locks of a moment later. */
        atomic {
            if
            :: NONE_HOLDS -> cursor++
            :: else
            fi
        }
#else
        atomic { for (i : 1 .. EVENTS) { waits_for[i] = held[i] } }
        (life != lives || mine != fence || THOSE_ARE_GONE);
        /* A later statement: is it there now? */
        atomic {
            if
            :: life == lives && mine == fence && log_[cursor + 1] == NOTHING -> cursor++
            :: else
            fi
        }
#endif
    od;
over:
    skip
}

/* The consumer: the task and the checkpoint in one transaction. */
proctype Consumer() {
    byte at, seen_epoch = 1, last;
end: do
    :: atomic {
           at < topic_end ->
           if
           :: at == 0 -> last = 0
           :: else -> last = topic_position[at - 1]
           fi;
           if
           :: topic_position[at] <= checkpoint -> at++ /* seen */
           :: topic_position[at] > checkpoint && last <= checkpoint ->
               if
               :: task[topic_event[at]] == NOTHING -> task[topic_event[at]] = DUE
               :: else
               fi;
               checkpoint = topic_position[at];
               at++
           :: topic_position[at] > checkpoint && last > checkpoint -> at = 0 /* events are missing before it: read again */
           fi
       }
    :: atomic { at > topic_end -> at = 0 } /* the topic was made anew */
#ifndef NO_SECOND_LOOK
    :: atomic { OPEN && seen_epoch != epoch -> seen_epoch = epoch; at = 0 } /* the database may have forgotten */
#endif
    od
}

inline select_due(which) {
    which = 0;
    for (i : 1 .. EVENTS) {
        if
        :: task[i] == DUE -> which = i
        :: else
        fi
    }
}

/* The gateway: leases a task, asks Stripe with the event's id as the key, settles. */
proctype Gateway() {
    byte e, life, i;
    bool too_old;
end: do
    :: atomic {
           OPEN && SOME_DUE ->
           select_due(e);
           life = lives;
           if
           :: !attempted[e] -> attempted[e] = true; attempted_late[e] = late
           :: else
           fi
       }
        atomic {
#ifdef AGE_OF_ATTEMPT
            too_old = late && !attempted_late[e];
#else
            too_old = late && is_old[e];
#endif
            if
            :: too_old && carried_out[e] > 0 -> skip      /* looked up, and found */
            :: too_old && carried_out[e] == 0 -> given_up[e] = true
            :: !too_old && key_known[e] -> skip           /* Stripe answers as it did before */
            :: !too_old && !key_known[e] -> carried_out[e]++; key_known[e] = true
            fi;
            assert(carried_out[e] <= 1) /* nothing twice */
        }
        atomic {
            if
            :: life == lives && task[e] == DUE -> task[e] = DONE
            :: else
            fi
        }
    od
}

/* What may befall them, each once. */
proctype Fate() {
    byte i;
end: do
    :: false -> skip
#if defined(FAILOVER) || defined(RESTORE)
    :: atomic {
           !copied ->
           copied = true;
           for (i : 0 .. POSITIONS - 1) { copy_log[i] = log_[i] }
           for (i : 1 .. EVENTS) { copy_task[i] = task[i] }
           copy_sequence = sequence_; copy_noted = noted; copy_checkpoint = checkpoint; copy_epoch = epoch
       }
    :: atomic {
           copied && losses < LOSSES ->
           losses++;
           for (i : 0 .. POSITIONS - 1) { log_[i] = copy_log[i] }
           for (i : 1 .. EVENTS) {
               task[i] = copy_task[i];
               attempted[i] = false;
               held[i] = false
           }
           sequence_ = copy_sequence; noted = copy_noted; checkpoint = copy_checkpoint; epoch = copy_epoch;
           find_end();
           lives++;
#ifdef FAILOVER
           right_server = false
#else
           start_seen = false
#endif
       }
#endif
#ifdef CRASH
    :: atomic {
           lives == 0 ->
           lives++;
           for (i : 1 .. EVENTS) { held[i] = false }
           start_seen = false
       }
#endif
#ifdef WIPE_REDIS
    :: atomic {
           !redis_wiped ->
           redis_wiped = true;
           for (i : 1 .. EVENTS) { in_redis[i] = NOTHING }
       }
#endif
#ifdef WIPE
    :: atomic {
           wipes == 0 ->
           wipes++;
           for (i : 0 .. POSITIONS - 1) { topic_event[i] = NOTHING; topic_position[i] = 0 }
           topic_end = 0; progress_event = NOTHING; progress_position = 0; progress_epoch = 0;
           announced = 0
       }
#endif
#ifdef LATE
    :: atomic {
           !late ->
           late = true;
           for (i : 1 .. EVENTS) { is_old[i] = true; key_known[i] = false }
       }
#endif
    od
}

/* When nobody can do anything more. */
active proctype Judge() {
    byte e, i, times;
    bool there;
    timeout ->
    atomic {
        assert(OPEN);
        for (e : 1 .. EVENTS) {
            in_log(e, there);
            times = 0;
            for (i : 0 .. POSITIONS - 1) {
                if
                :: topic_event[i] == e -> times++; assert(log_[topic_position[i]] == e)
                :: else
                fi
            }
            assert(there == (times == 1)); /* the log and Kafka hold the same */
            assert(!answered[e] || there || (losses > 0 && !was_published[e])); /* nothing that was answered is lost */
            assert(!there || (task[e] == DONE && (carried_out[e] == 1 || given_up[e]))); /* each was carried out */
            assert(there || carried_out[e] == 0)
        }
    }
}

init {
    byte e;
    atomic {
        for (e : 1 .. EVENTS) { run Client(e) }
        run Relay();
#ifndef ONE_RELAY
        run Relay();
#endif
        run Consumer();
        run Gateway();
        run Fate()
    }
}
